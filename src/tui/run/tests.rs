use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;
use crate::tui::clip::Clip;
use crate::tui::testing::{sample, setup};
use crate::tui::{headless, input, screen};
use h4mk::source::{ReadAt, Source};

/// A screen that keeps what is asked of it.
#[derive(Default)]
struct Recorder {
    last: String,
    asked: Vec<String>,
}

impl Surface for Recorder {
    fn draw(&mut self, state: &State) -> io::Result<()> {
        self.last = screen::text(&headless::draw(state, state.size));
        Ok(())
    }

    fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        self.asked.push(format!("mouse {on}"));
        Ok(())
    }

    fn copy(&mut self, clip: &Clip) -> io::Result<()> {
        self.asked.push(format!("copy {}", clip.text()));
        Ok(())
    }

    fn release(&mut self) -> io::Result<()> {
        self.asked.push("release".into());
        Ok(())
    }

    fn retake(&mut self, _: bool) -> io::Result<()> {
        self.asked.push("retake".into());
        Ok(())
    }
}

fn program() -> (Program, Sender<Event>, Receiver<Event>, Vec<Effect>) {
    let (events, inbox) = mpsc::channel();
    let (state, effects) = State::new(setup(sample(), 80, 24));
    let (workers, signals) = (Workers::new(events.clone()), signals::Watch::none());
    (Program { state, workers, keyboard: None, signals, started: Instant::now() }, events, inbox, effects)
}

fn send(events: &Sender<Event>, text: &str) {
    for input in input::parse(text).unwrap() {
        events.send(Event::Input(input)).unwrap();
    }
}

#[test]
fn keys_and_jobs_end_in_frames() {
    let (mut program, events, inbox, first) = program();
    let mut screen = Recorder::default();
    assert_eq!(program.perform(&mut screen, first).unwrap(), None);
    while program.state.container.as_ref().is_none_or(|container| !container.is_complete()) {
        let event = program.wait(&inbox).unwrap();
        event.map(|event| program.handle(&mut screen, event).unwrap());
    }
    send(&events, ":#3<Enter><Tab>ymq");
    let ended = program.run(&mut screen, &inbox, Vec::new()).unwrap();
    assert_eq!(ended, Ended::Quit);
    assert!(screen.last.contains("sample.h4mk"), "{}", screen.last);
    assert_eq!(screen.asked, ["copy CORE chunk 3 at 0x38, 4 bytes", "mouse false"]);
}

#[test]
fn signals_end_it_and_cancel_what_runs() {
    let (mut program, events, inbox, first) = program();
    let task = match &first[..] {
        [Effect::Start(job)] => job.task.clone(),
        other => panic!("{other:?}"),
    };
    events.send(Event::Terminate(15)).unwrap();
    let ended = program.run(&mut Recorder::default(), &inbox, Vec::new()).unwrap();
    assert_eq!((ended, task.check().is_err()), (Ended::Signal(15), true));
}

#[test]
fn going_on_redraws_and_a_lost_keyboard_is_an_error() {
    let (mut program, events, inbox, _) = program();
    let mut screen = Recorder::default();
    events.send(Event::Continued).unwrap();
    events.send(Event::InputLost(io::Error::other("gone"))).unwrap();
    assert!(program.run(&mut screen, &inbox, Vec::new()).is_err());
    assert_eq!(screen.asked, ["retake"]);
}

/// Long enough to be noticed.
const SLOW: Duration = Duration::from_millis(300);

/// What nobody notices. Without optimisation a frame alone can take longer.
const AT_ONCE: Duration = if cfg!(debug_assertions) { Duration::from_millis(250) } else { Duration::from_millis(16) };

/// A block's stored bytes.
const PAYLOAD: usize = 70_000;

/// What a block decodes to.
const DECODED: u64 = 105_000;

/// Blocks enough that what was read of them isn't kept.
const BLOCKS: u64 = 300;

/// A container of blocks that are all the same, whose reads are slow, or never come back, once it is said so.
struct SlowFile {
    block: Vec<u8>,
    tail: Vec<u8>,
    mode: Arc<AtomicU8>,
}

/// How it reads.
const FAST: u8 = 0;
const LATE: u8 = 1;
const NEVER: u8 = 2;

impl SlowFile {
    fn new() -> (Self, Arc<AtomicU8>) {
        let chunk = |tag: &[u8; 4], payload: &[u8]| {
            let header = [&tag[..], &(payload.len() as u32).to_be_bytes(), &crc32fast::hash(payload).to_be_bytes()];
            [&header.concat(), payload].concat()
        };
        let meta = br#"{"fps_hint":25.0,"gop":10,"block_size":105000,"compression":{"engine":"geometric-reference"}}"#;
        let entry = |at: u64| [(at * 400_000).to_be_bytes(), (at * 10 * DECODED).to_be_bytes()].concat();
        let seek = [&30u32.to_be_bytes()[..], &(0..30).flat_map(entry).collect::<Vec<u8>>()].concat();
        let tail = [chunk(b"SEEK", &seek), chunk(b"META", meta)].concat();
        let mode = Arc::new(AtomicU8::new(FAST));
        (Self { block: chunk(b"CORE", &[7, 3].repeat(PAYLOAD / 2)), tail, mode: mode.clone() }, mode)
    }

    fn byte(&self, at: u64) -> u8 {
        let Some(at) = at.checked_sub(8) else { return b"H4MK\0\x01\0\0"[at as usize] };
        let (block, within) = (at / self.block.len() as u64, (at % self.block.len() as u64) as usize);
        match block < BLOCKS {
            true => self.block[within],
            false => self.tail[(at - BLOCKS * self.block.len() as u64) as usize],
        }
    }
}

impl ReadAt for SlowFile {
    fn len(&self) -> io::Result<u64> {
        Ok(8 + BLOCKS * self.block.len() as u64 + self.tail.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.mode.load(Ordering::Relaxed) {
            FAST => {}
            LATE => thread::sleep(SLOW),
            _ => loop {
                thread::park();
            },
        }
        (offset..).zip(&mut *buffer).for_each(|(at, byte)| *byte = self.byte(at));
        Ok(buffer.len())
    }
}

/// The program with that file, indexed.
fn with_slow_file() -> (Program, Sender<Event>, Receiver<Event>, Arc<AtomicU8>) {
    let (file, mode) = SlowFile::new();
    let source = Arc::new(Source::from_reader("slow.h4mk", file).unwrap());
    let (events, inbox) = mpsc::channel();
    let (state, effects) = State::new(setup(source, 100, 30));
    let (workers, signals) = (Workers::new(events.clone()), signals::Watch::none());
    let mut program = Program { state, workers, keyboard: None, signals, started: Instant::now() };
    program.perform(&mut Recorder::default(), effects).unwrap();
    finish(&mut program, &inbox);
    (program, events, inbox, mode)
}

/// Takes in what jobs have to say, to the end.
fn finish(program: &mut Program, inbox: &Receiver<Event>) {
    while !program.state.jobs.running().is_empty() {
        let running = || program.state.jobs.running().iter().map(|r| r.job.request.kind()).collect::<Vec<_>>();
        let event = inbox.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{:?}", running()));
        program.handle(&mut Recorder::default(), event).unwrap();
        program.workers.start_waiting();
    }
}

/// Keys in every view that need bytes which nobody has read.
const KEYS: &str = "3hl4<PgDn>G<PgDn>g5j<PgDn>r.,]]w:0x100000<Enter>j<PgDn>.y/7<Esc>iipp\
    :#200<Enter>r[jjr2jjj<Space>G<Enter>1t5s<Enter>c63<Tab>G<Tab>5:#7<Enter>..n";

#[test]
fn no_key_waits_for_a_slow_file() {
    let (mut program, _, _inbox, mode) = with_slow_file();
    mode.store(LATE, Ordering::Relaxed);
    let mut screen = Recorder::default();
    for input in input::parse(KEYS).unwrap() {
        let started = Instant::now();
        program.handle(&mut screen, Event::Input(input.clone())).unwrap();
        program.workers.start_waiting();
        let before_drawing = started.elapsed();
        screen.draw(&program.state).unwrap();
        assert!(started.elapsed() < AT_ONCE, "{input:?}: {before_drawing:?}, drawn after {:?}", started.elapsed());
    }
}

#[test]
fn a_slow_file_leads_to_the_screen_of_a_fast_one() {
    let text = "5:#150<Enter>jj<PgDn>r.r]jl.";
    let (mut program, _events, inbox, mode) = with_slow_file();
    mode.store(LATE, Ordering::Relaxed);
    for input in input::parse(text).unwrap() {
        program.handle(&mut Recorder::default(), Event::Input(input)).unwrap();
    }
    finish(&mut program, &inbox);
    let slow = screen::text(&headless::draw(&program.state, program.state.size));
    let (file, _) = SlowFile::new();
    let source = Arc::new(Source::from_reader("slow.h4mk", file).unwrap());
    let mut player = headless::Player::new(setup(source, 100, 30));
    player.play(input::parse(text).unwrap());
    let line = |text: &str| text.lines().filter(|line| line.contains("Hex:")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(line(&slow), line(&screen::text(&player.frame())));
    assert_eq!(program.state.hex.cursor(), player.state().hex.cursor());
}

#[test]
fn a_read_that_never_returns_holds_nothing_up() {
    let (mut program, events, inbox, mode) = with_slow_file();
    mode.store(NEVER, Ordering::Relaxed);
    let threads = || fs::read_dir("/proc/self/task").map(|tasks| tasks.count()).unwrap_or(0);
    let before = threads();
    let mut screen = Recorder::default();
    for block in (0..BLOCKS).step_by(3) {
        for input in input::parse(&format!("5:#{block}<Enter>jr4G")).unwrap() {
            program.handle(&mut screen, Event::Input(input)).unwrap();
            program.workers.start_waiting();
        }
    }
    // Other tests have threads as well.
    assert!(threads() < before + 60, "{} threads, {before} before", threads());
    send(&events, "q");
    let started = Instant::now();
    assert_eq!(program.run(&mut screen, &inbox, Vec::new()).unwrap(), Ended::Quit);
    assert!(started.elapsed() < SLOW);
}
