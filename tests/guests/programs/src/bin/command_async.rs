//! A command of WASI 0.3: waits a moment, and succeeds or fails as told.

use wasip3::cli::environment;
use wasip3::clocks::monotonic_clock;

struct Command;

wasip3::cli::command::export!(Command);

impl wasip3::exports::cli::run::Guest for Command {
    async fn run() -> Result<(), ()> {
        monotonic_clock::wait_for(1_000_000).await;
        println!("waited");
        let arguments = environment::get_arguments();
        if arguments.iter().any(|argument| argument == "fail") { Err(()) } else { Ok(()) }
    }
}

fn main() {}
