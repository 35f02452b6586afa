//! Prints as many lines as told, or without end, and then one that is longer than any log takes.

fn main() {
    let lines = std::env::args().nth(1).map_or(u64::MAX, |count| count.parse().expect("a number"));
    for line in 0..lines {
        println!("line {line} of a flood that nobody asked for and nobody reads");
    }
    println!("{}", "long ".repeat(8_000));
}
