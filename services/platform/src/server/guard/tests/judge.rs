use tokio::time::{Instant, advance, pause};

use super::{super::watch::Active, *};

const PATIENCE: Patience = Patience::PUBLIC;

/// When a connection is closed or finished; `step` is done every second.
async fn ends(watch: &Arc<Watch>, mut step: impl FnMut(u64)) -> (Verdict, u64) {
    let mut judge = Judge::new(Arc::clone(watch), PATIENCE, 128);
    let started = Instant::now();
    for second in 0..10_000 {
        step(second);
        match judge.judge() {
            Verdict::Fine => advance(Duration::from_secs(1)).await,
            verdict => return (verdict, started.elapsed().as_secs()),
        }
    }
    (Verdict::Fine, 10_000)
}

#[tokio::test]
async fn whoever_says_too_little_is_hung_up_on() {
    pause();
    let silent = Watch::start();
    assert_eq!(ends(&silent, |_| ()).await, (Verdict::Close("first_bytes"), 6));
    let dripping = Watch::start();
    let slow = ends(&dripping, |second| {
        dripping.begin_head();
        if second == 4 {
            dripping.know(false);
        }
    });
    assert_eq!(slow.await, (Verdict::Close("slow_head"), 11));
    let mute = Watch::start();
    mute.know(true);
    assert_eq!(ends(&mute, |_| ()).await, (Verdict::Close("no_request"), 11));
}

#[tokio::test]
async fn idle_connections_are_told_and_busy_ones_are_not() {
    pause();
    for is_http2 in [false, true] {
        let idle = Watch::start();
        idle.know(is_http2);
        drop(Active::begin(&idle));
        assert_eq!(ends(&idle, |_| ()).await, (Verdict::Finish, 61), "HTTP/2: {is_http2}");
        let busy = Watch::start();
        busy.know(is_http2);
        let active = Active::begin(&busy);
        let (verdict, after) = ends(&busy, |_| ()).await;
        assert_eq!((verdict, after), (Verdict::Finish, 1801), "by its age alone");
        drop(active);
    }
}

#[tokio::test]
async fn slow_readers_are_left_however_much_they_took_before() {
    pause();
    for (each_second, verdict, after) in [
        (0, Verdict::Close("slow_reader"), 10..=11),
        (100, Verdict::Close("slow_reader"), 11..=12),
        (1024, Verdict::Finish, 1801..=1801),
    ] {
        let watch = Watch::start();
        watch.know(true);
        let active = Active::begin(&watch);
        watch.take(1 << 30);
        let unsent = active.parcel(bytes::Bytes::from_static(b"x"));
        let (told, when) = ends(&watch, |_| watch.take(each_second)).await;
        assert!(told == verdict && after.contains(&when), "{each_second}: {told:?} {when}");
        drop(unsent);
    }
    let blocked = Watch::start();
    blocked.know(false);
    blocked.block(true);
    assert_eq!(ends(&blocked, |_| ()).await, (Verdict::Close("slow_reader"), 10));
}

#[tokio::test]
async fn whoever_let_a_body_wait_is_left_when_the_rest_is_done() {
    pause();
    let watch = Watch::start();
    watch.know(true);
    let active = Active::begin(&watch);
    watch.dawdle();
    let mut judge = Judge::new(Arc::clone(&watch), PATIENCE, 128);
    assert_eq!((judge.judge(), judge.judge()), (Verdict::Finish, Verdict::Fine));
    drop(active);
    advance(Duration::from_secs(2)).await;
    assert_eq!(judge.judge(), Verdict::Close("farewell"));
}

#[tokio::test]
async fn at_the_end_only_what_is_asked_is_waited_for() {
    pause();
    let (idle, busy, dripping) = (Watch::start(), Watch::start(), Watch::start());
    let judge = |watch: &Arc<Watch>| {
        watch.know(false);
        drop(Active::begin(watch));
        let mut judge = Judge::new(Arc::clone(watch), PATIENCE, 0);
        judge.finish();
        judge
    };
    let mut judges = [&idle, &busy, &dripping].map(judge);
    let active = Active::begin(&busy);
    dripping.begin_head();
    advance(Duration::from_secs(2)).await;
    let verdicts = judges.each_mut().map(Judge::judge);
    assert_eq!(verdicts, [Verdict::Close("farewell"), Verdict::Fine, Verdict::Fine]);
    advance(Duration::from_secs(2)).await;
    let [_, busy, dripping] = judges.each_mut().map(Judge::judge);
    assert_eq!((busy, dripping), (Verdict::Fine, Verdict::Close("slow_head")));
    drop(active);
    advance(Duration::from_secs(2)).await;
    assert_eq!(judges[1].judge(), Verdict::Close("farewell"));
}

#[test]
fn connections_of_one_age_do_not_end_all_at_once() {
    let age = |spread| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async { Judge::new(Watch::start(), PATIENCE, spread).patience.age })
    };
    assert_eq!(age(0), Duration::from_mins(27));
    assert!(age(255) > Duration::from_mins(32) && age(255) < Duration::from_mins(33));
}
