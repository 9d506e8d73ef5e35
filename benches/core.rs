//! What the core and the screens cost. `cargo bench` prints each figure; inputs are made in memory.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::sync::{Arc, OnceLock};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use h4inspect::core::codec::rle;
use h4inspect::core::container::{Container, Options};
use h4inspect::core::layout::SeekRows;
use h4inspect::core::pack::{TransportWriter, seek_payload};
use h4inspect::core::seek::SeekTable;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::state::{Polling, Setup};
use h4inspect::tui::theme::{Background, Depth as Colours, Theme};
use h4inspect::tui::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

/// Numbers without a pattern, the same in every run.
fn noise() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

fn pairs(len: usize, run: impl Fn(u64) -> u8) -> Vec<u8> {
    let mut next = noise();
    (0..len / 2).flat_map(|_| [next() as u8, run(next())]).collect()
}

/// A container of a million small blocks.
fn million() -> Arc<Source> {
    let mut file = Vec::new();
    let mut writer = TransportWriter::new(&mut file).unwrap();
    let block = [7, 128].repeat(16);
    for _ in 0..1_000_000 {
        writer.block(&block).unwrap();
    }
    let entries: Vec<(u64, u64)> = (0..1_000_000u64).step_by(30).map(|b| (b * 33_333, b * 2048)).collect();
    writer.chunk(*b"SEEK", &seek_payload(&entries)).unwrap();
    writer.chunk(*b"META", br#"{"block_size":2048,"fps_hint":30.0,"gop":30,"compression":{}}"#).unwrap();
    writer.chunk(*b"SAFE", b"{}").unwrap();
    writer.finish().unwrap();
    Arc::new(Source::from_bytes("million.h4mk", file))
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("rle");
    group.sample_size(20);
    for (name, stored) in
        [("runs of 1", pairs(128 << 20, |_| 1)), ("runs of 1-255", pairs(1 << 20, |n| (n % 255) as u8 + 1))]
    {
        let mut raw = Vec::new();
        group.throughput(Throughput::Bytes(rle::decoded_len(&stored)));
        group.bench_function(format!("decode {name}, output"), |b| {
            b.iter(|| rle::decode_into(&mut raw, black_box(&stored), u64::MAX).unwrap());
        });
        group.bench_function(format!("decode {name} into a fresh buffer, output"), |b| {
            b.iter(|| rle::decode(black_box(&stored), u64::MAX).unwrap());
        });
        group.throughput(Throughput::Bytes(stored.len() as u64));
        group.bench_function(format!("count {name}, input"), |b| b.iter(|| rle::decoded_len(black_box(&stored))));
    }
    group.finish();
}

fn opening(c: &mut Criterion) {
    let source = million();
    let mut group = c.benchmark_group("open");
    group.sample_size(10);
    group.bench_function("1,000,000 chunks", |b| {
        b.iter(|| Container::read(source.clone(), Options::default(), Depth::Headers, &Task::default()).unwrap());
    });
    group.finish();
}

fn seeking(c: &mut Criterion) {
    let entries: Vec<(u64, u64)> = (0..10_000_000u64).map(|n| (n * 33_333, n * 4096)).collect();
    let (payload, order) = (seek_payload(&entries), OnceLock::new());
    let table = SeekTable::new(SeekRows::transport(&payload).unwrap(), &order);
    let mut next = noise();
    c.bench_function("seek in 10,000,000 entries", |b| {
        b.iter(|| table.at(black_box(next() % (10_000_000 * 33_333))));
    });
}

fn drawing(c: &mut Criterion) {
    let source = million();
    let mut group = c.benchmark_group("frame at 200x60, 1,000,000 chunks");
    for (number, name) in (1..).zip(["Summary", "Manifest", "Timeline", "Blocks", "Hex", "Audit"]) {
        let mut player = Player::new(Setup {
            source: source.clone(),
            options: Options::default(),
            name: "million.h4mk".to_owned(),
            theme: Theme { background: Background::Dark, depth: Colours::True, ascii: false },
            size: Size::new(200, 60),
            may_write: false,
            other: None,
            polling: Polling::default(),
        });
        player.play(input::parse(&format!("{number}:#500000<Enter>")).unwrap());
        // As the program does: one terminal, of which what changed is written.
        let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
        group.bench_function(name, |b| b.iter(|| terminal.draw(|frame| view::draw(player.state(), frame)).map(drop)));
    }
    group.finish();
}

criterion_group!(benches, decoding, opening, seeking, drawing);
criterion_main!(benches);
