//! What the findings about the tracks of mux containers say: what was expected, and what is there instead.

use crate::builder::{Mux, audited, faults, mux_chunk, of};
use h4inspect::core::finding::Code;

/// The only finding of that code in the file, of which it is the only kind of fault.
fn message(bytes: &[u8], code: Code) -> String {
    let audit = audited(bytes);
    assert_eq!(faults(&audit), [code.name()]);
    of(&audit, code)[0].message.clone()
}

fn with_table(payload: &[u8]) -> Vec<u8> {
    Mux::new(0)
        .with(|mux| mux.closing = Some(Vec::new()))
        .build()
        .into_iter()
        .chain(mux_chunk(b"TSEK", 0, payload))
        .collect()
}

#[test]
fn timestamps_that_go_back_name_both_and_the_others() {
    let swapped = |pairs: &[usize]| {
        Mux::new(8).with(|mux| {
            pairs.iter().for_each(|at| {
                let later = mux.blocks[at + 2].1;
                mux.blocks[at + 2].1 = std::mem::replace(&mut mux.blocks[*at].1, later);
            })
        })
    };
    let one = message(&swapped(&[2]).build(), Code::TrackUnsorted);
    assert!(one.ends_with(" has pts 20000, expected at least 40000, the pts of the block stored before it"), "{one}");
    let two = message(&swapped(&[2, 6]).build(), Code::TrackUnsorted);
    assert!(two.ends_with("the pts of the block stored before it; the same goes for 1 more of its blocks"), "{two}");
}

#[test]
fn reserved_kinds_name_those_that_are_not() {
    let file = Mux::new(4).with(|mux| mux.blocks[2].2 = 3).build();
    let said = message(&file, Code::TrackKindReserved);
    assert!(said.ends_with(" has kind 3, expected 0 (I), 1 (P) or 2 (B)"), "{said}");
}

#[test]
fn tables_say_how_many_entries_they_hold() {
    let wrapped = |count: u16, rows: usize| {
        let head = [b"H4TS\x01\0\0\0H4SK".as_slice(), &count.to_le_bytes(), &[0, 0]].concat();
        [head, vec![0; rows * 8]].concat()
    };
    let bare = [b"H4SK\x01\0\0\0".as_slice(), &u32::MAX.to_le_bytes(), &[0; 16]].concat();
    let cases = [
        (wrapped(3, 1), "its count says 3 entries, but it holds 1"),
        (wrapped(1, 2), "8 bytes after the 1 entry that it counts"),
        (bare, "its count says 4294967295 entries, but it holds 2"),
        (b"H4TS\x01\0\0\0ABCD".to_vec(), "H4TS is not followed by H4SK"),
    ];
    for (payload, expected) in cases {
        let audit = audited(&with_table(&payload));
        let said = &of(&audit, Code::TrackSeekInvalid)[0].message;
        assert!(said.ends_with(expected), "{said}");
    }
}
