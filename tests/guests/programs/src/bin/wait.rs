//! Sleeps without end, after saying so.

fn main() {
    println!("waiting");
    loop {
        std::thread::sleep(std::time::Duration::from_secs(3600));
    }
}
