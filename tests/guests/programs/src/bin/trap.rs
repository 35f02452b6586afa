//! Panics inside a function with a name of its own.

#[inline(never)]
fn walk_off_the_plank(steps: usize) -> usize {
    let plank = [1, 2, 3];
    plank[steps]
}

fn main() {
    let steps = std::env::args().count() + 41;
    println!("{}", walk_off_the_plank(steps));
}
