//! Prints what the instance was started with.

fn main() {
    for argument in std::env::args() {
        println!("argument {argument}");
    }
    for (name, value) in std::env::vars() {
        println!("variable {name}={value}");
    }
    eprintln!("to stderr");
    print!("no newline at the end");
}
