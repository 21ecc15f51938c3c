//! Times as they are told in different places.

use agent_runner_model::Timestamp;

use super::clock::{civil, day_of};
use super::{Wall, Zone};

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn wall(tz: &str, now: &str) -> Wall {
    Wall::stopped(Zone::find(Some(tz), |_| None), at(now))
}

#[test]
fn moments_are_told_in_local_time_with_its_distance_from_utc() {
    let now = "2026-05-04T10:00:00Z";
    for (tz, moment, shown) in [
        (BERLIN, "2026-05-04T12:32:00.000Z", "14:32 +02:00"),
        (BERLIN, "2026-05-04T12:32:07.900Z", "14:32:07 +02:00"),
        (BERLIN, "2026-05-04T22:00:01Z", "2026-05-05 00:00:01 +02:00"),
        (BERLIN, "2026-12-31T23:30:00Z", "2027-01-01 00:30 +01:00"),
        ("<+0545>-5:45", "2026-05-04T10:01:00Z", "15:46 +05:45"),
        ("NST3:30NDT,M3.2.0,M11.1.0", "2026-05-04T10:01:00Z", "07:31 -02:30"),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-05-04T10:01:00Z", "20:01 +10:00"),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-01-04T10:01:00Z", "2027-01-04 21:01 +11:00"),
        ("UTC0", "2026-05-04T10:01:00Z", "10:01 UTC"),
        ("nonsense", "2026-05-04T10:01:00Z", "10:01 UTC"),
        ("../../etc/passwd", "2026-05-04T10:01:00Z", "10:01 UTC"),
    ] {
        assert_eq!(wall(tz, now).moment(at(moment)), shown, "{tz}");
    }
    assert_eq!(wall(BERLIN, now).time(at("2026-05-04T12:32:07.900Z")), "14:32:07");
    assert_eq!(wall(BERLIN, now).left(at("2026-05-04T10:00:05Z")).as_secs(), 5);
    assert_eq!(wall(BERLIN, now).left(at("2026-05-04T09:00:05Z")).as_secs(), 0);
}

#[test]
fn clocks_change_at_the_second_they_change() {
    let wall = wall(BERLIN, "2026-03-29T00:00:00Z");
    assert_eq!(wall.time(at("2026-03-29T00:59:59Z")), "01:59:59");
    assert_eq!(wall.time(at("2026-03-29T01:00:00Z")), "03:00:00");
    assert_eq!(wall.time(at("2026-10-25T00:59:59Z")), "02:59:59");
    assert_eq!(wall.time(at("2026-10-25T01:00:00Z")), "02:00:00");
    for (tz, shown) in [("A-1", "00:00:00"), ("AAA-1BBB,J60,J61", "01:00:00"), ("AAA-1,", "00:00:00")] {
        let wall = Wall::stopped(Zone::find(Some(tz), |_| None), at("2026-01-01T00:00:00Z"));
        assert_eq!(wall.time(at("2026-01-01T00:00:00Z")), shown, "{tz}");
    }
    // The sixtieth day without leap days is the first of March, in every year.
    let julian = Wall::stopped(Zone::find(Some("AAA0BBB,J60/0,J61/0"), |_| None), at("2024-01-01T00:00:00Z"));
    assert_eq!(julian.time(at("2024-02-29T12:00:00Z")), "12:00:00");
    assert_eq!(julian.time(at("2024-03-01T12:00:00Z")), "13:00:00");
}

/// A zone file of version 2 with one change, an hour ahead from 2020 on, and this footer.
fn file(footer: &str) -> Vec<u8> {
    let header = |changes: u32, kinds: u32, letters: u32| {
        let mut bytes = b"TZif2".to_vec();
        bytes.extend([0; 15]);
        for count in [0, 0, 0, changes, kinds, letters] {
            bytes.extend(count.to_be_bytes());
        }
        bytes
    };
    let mut bytes = header(0, 1, 1);
    bytes.extend([0; 7]);
    bytes.extend(header(1, 2, 4));
    bytes.extend(1_577_836_800_i64.to_be_bytes());
    bytes.push(1);
    bytes.extend([0, 0, 0, 0, 0, 0]);
    bytes.extend(3600_i32.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(b"ABC\0");
    bytes.extend(format!("\n{footer}\n").bytes());
    bytes
}

#[test]
fn the_machines_own_zone_is_read_from_its_file() {
    let zone =
        |bytes: Vec<u8>| Zone::find(None, move |path| (path.ends_with("localtime")).then(|| bytes.clone()));
    let shown = |zone: Zone, moment: &str| Wall::stopped(zone, at(moment)).time(at(moment));
    assert_eq!(shown(zone(file("")), "2019-05-04T10:00:00Z"), "10:00:00");
    assert_eq!(shown(zone(file("")), "2026-05-04T10:00:00Z"), "11:00:00");
    assert_eq!(shown(zone(file(BERLIN)), "2026-05-04T10:00:00Z"), "12:00:00", "the rule at the end counts");
    // Whatever is cut off: no zone rather than a wrong one, and never a crash.
    let whole = file(BERLIN);
    for length in 0..whole.len() - BERLIN.len() - 2 - 4 - 2 {
        assert_eq!(
            shown(zone(whole[..length].to_vec()), "2026-05-04T10:00:00Z"),
            "10:00:00",
            "{length} bytes"
        );
    }
    let mut huge = file(BERLIN);
    huge[32..36].copy_from_slice(&[0xff; 4]);
    assert_eq!(shown(zone(huge), "2026-05-04T10:00:00Z"), "10:00:00");
}

#[test]
fn days_and_dates_are_the_same_thing() {
    for (date, day) in
        [((1970, 1, 1), 0), ((2000, 2, 29), 11_016), ((2026, 5, 4), 20_577), ((9999, 12, 31), 2_932_896)]
    {
        assert_eq!((civil(day), day_of(date.0, date.1, date.2)), (date, day));
    }
    for day in (0..200_000).step_by(13) {
        let (year, month, of_month) = civil(day);
        assert_eq!(day_of(year, month, of_month), day);
    }
}
