//! A bundle, in pieces of any size. Without the key nothing of it gets out.

#![no_main]

use exstreamtv::system::bundle::{Keys, Rules, Unpacking, claimed_version};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "untrusted comment: a key\nRWRP9UhFGEEUwCvfrsSv0AdAouX5xd86DHRz/cihO1orX39vtSfdJ94H\n";

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else {
        return;
    };
    let rules = Rules {
        keys: Keys::one(KEY).unwrap(),
        store_schema: 3,
    };
    for front in [&[][..], b"EXSTVB1\n"] {
        let whole = [front, bytes].concat();
        let mut rest = &whole[..];
        let mut unpacking = Unpacking::new(rules.clone());
        while !rest.is_empty() && unpacking.wants() > 0 {
            let most = unpacking.wants().min(usize::from(*size) + 1);
            let (piece, behind) = rest.split_at(most.min(rest.len()));
            rest = behind;
            match unpacking.push(piece) {
                Ok(checked) => assert!(checked.is_none(), "nothing was signed"),
                Err(refusal) => {
                    assert!(refusal.why.ends_with('.') && refusal.version.is_none());
                    break;
                }
            }
        }
        if let Some(version) = claimed_version(&whole[..]) {
            assert!(!version.is_empty() && version.len() <= 64);
        }
    }
});
