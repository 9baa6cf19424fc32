//! The judge itself on trial.
mod ts_judge;
#[test]
fn dump() {
    let path = std::env::var("TS").unwrap();
    let bytes = std::fs::read(path).unwrap();
    println!("{}", ts_judge::judge(&bytes));
    println!("{:#?}", ts_judge::second_opinion(&bytes));
}
