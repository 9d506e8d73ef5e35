//! Writes the keyframe block to decode from for a time: `cargo run --example block_at -- clip.h4mk 7.5s block.raw`

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, time, out] = args.as_slice() else { return Err("usage: block_at FILE TIME OUT".into()) };
    let container = h4mk::Container::open(file)?;
    let answer = container.seek(container.time_us(time.parse()?)?, None)?;
    let index = answer.block.ok_or("the entry for that time leads to no block")?;
    let block = container.block(index)?;
    std::fs::write(out, &**block)?;
    println!("block {index}, {} bytes, {}", block.len(), block.stage.describe());
    Ok(())
}
