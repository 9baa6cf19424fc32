//! What a thread of another process has done.

use std::time::Duration;

/// How often the thread of this name fell asleep, and how much it ran, in clock ticks: as long as
/// both stay, it did nothing.
pub(crate) fn activity(process: u32, thread: &str) -> (u64, u64) {
    for task in std::fs::read_dir(format!("/proc/{process}/task")).unwrap() {
        let task = task.unwrap().path();
        let read = |name: &str| std::fs::read_to_string(task.join(name)).unwrap();
        if read("comm").trim() == thread {
            let slept = field(&read("status"), "voluntary_ctxt_switches:");
            let stat = read("stat");
            let (_, fields) = stat.rsplit_once(')').unwrap();
            let fields: Vec<u64> = fields
                .split_whitespace()
                .filter_map(|field| field.parse().ok())
                .collect();
            // `proc_pid_stat(5)`: utime and stime are fields 14 and 15; the state, field 3, is no
            // number, so that field 4 is the first here.
            return (slept, fields[10] + fields[11]);
        }
    }
    panic!("there is no thread {thread}");
}

/// The same, once it stays: who has just got an answer may be faster than the thread falls asleep
/// again.
pub(crate) fn settled_activity(process: u32, thread: &str) -> (u64, u64) {
    let mut before = activity(process, thread);
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = activity(process, thread);
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The number behind a name in a file of `/proc`.
pub(crate) fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}
