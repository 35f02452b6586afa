//! Takes as many mebibytes as told, or all it can get, and touches them.

fn main() {
    let wanted =
        std::env::args().nth(1).map_or(usize::MAX, |count| count.parse().expect("a number"));
    let mut hoard = Vec::new();
    while hoard.len() < wanted {
        hoard.push(vec![1_u8; 1024 * 1024]);
    }
    println!("holding {}", hoard.len());
}
