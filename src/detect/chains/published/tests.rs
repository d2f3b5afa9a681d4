use super::*;
use crate::control::Control;
use crate::detect::memory::MemoryStore;
use crate::domain::Plan;
use crate::nn::Device;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// Paths of an estate: system programs, and applications whose directories carry versions, GUIDs, dates, locales and random names.
fn estate(random: &mut ChaCha8Rng) -> Vec<String> {
    let mut paths: Vec<String> = ["smss", "csrss", "wininit", "services", "svchost", "winlogon", "userinit", "lsass", "taskhostw", "conhost", "cmd", "dllhost"]
        .iter()
        .map(|name| format!(r"c:\windows\system32\{name}.exe"))
        .collect();
    paths.extend([r"c:\windows\explorer.exe".into(), r"c:\windows\system32\wbem\wmiprvse.exe".into()]);
    for _ in 0..60 {
        let (minor, update) = (random.random_range(4..9), random.random_range(1..400));
        for program in ["java.exe", "javaw.exe", "jp2launcher.exe"] {
            paths.push(format!(r"c:\program files\java\jre1.{minor}.0_{update}\bin\{program}"));
        }
        let number: u32 = random.random_range(1_000_000..99_999_999);
        paths.push(format!(r"c:\users\ann\appdata\local\temp\install_{number}.exe"));
        paths.push(format!(r"c:\program files\reader\{}.{}.{}\reader.exe", minor, update, number % 1000));
        paths.push(format!(r"c:\programdata\package cache\{{{:08x}-1234-4abc-9def-{:012x}}}\setup.exe", number, u64::from(number) * 7919));
        paths.push(format!(r"c:\windows\winsxs\amd64_servicing_{:08x}{:06x}\tiworker.exe", number.wrapping_mul(2_654_435_761), number));
    }
    paths.extend(["en-us", "pl-pl", "de-de", "fr-fr", "ja-jp", "it-it", "sv-se"].iter().map(|locale| format!(r"c:\program files\suite\{locale}\update.exe")));
    paths.sort();
    paths.dedup();
    paths
}

#[test]
fn java_under_another_version_is_closer_than_java_in_downloads() {
    let paths = estate(&mut ChaCha8Rng::seed_from_u64(5));
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.extend([r"c:\users\ann\downloads\report.pdf.exe", r"c:\users\ann\downloads\setup.exe", r"c:\$recycle.bin\s-1-5-21-1\tool.exe"]);
    let learned = Normaliser::learn(&paths, &[], 42, &Control::silent()).expect("trained");
    let vector = |path: &str| learned.vectors.path(&learned.rewrite(path));
    let known = vector(r"c:\program files\java\jre1.7.0_127\bin\java.exe");
    let cosine = |path: &str| clusters::cosine(&known, &vector(path));
    let version = cosine(r"c:\program files\java\jre1.8.0_231\bin\java.exe");
    let downloads = cosine(r"c:\users\ann\downloads\java.exe");
    let recycled = cosine(r"c:\$recycle.bin\s-1-5-21-1\java.exe");
    // Without the expressions, on the words as they stand in the paths.
    let plain = words::WordVectors::learn(paths.iter().copied(), 42, &Control::silent()).expect("trained");
    let [one, other, away] =
        [r"c:\program files\java\jre1.7.0_127\bin\java.exe", r"c:\program files\java\jre1.8.0_231\bin\java.exe", r"c:\users\ann\downloads\java.exe"]
            .map(|path| plain.path(path));
    let bare = [clusters::cosine(&one, &other), clusters::cosine(&one, &away), clusters::cosine(&other, &away)];
    println!("java.exe before normalisation: two versions {:.3}; each with Downloads {:.3} and {:.3}", bare[0], bare[1], bare[2]);
    assert!(bare[0] > bare[1] && bare[0] > bare[2]);
    println!("java.exe, cosine with jre1.7.0_127: another version {version:.3}, Downloads {downloads:.3}, $Recycle.Bin {recycled:.3}");
    assert!(version > downloads + 0.05 && version > recycled + 0.05);
    println!("paths {}, words {}; {} clusters", learned.paths, learned.words, learned.clusters);
    for pattern in &learned.patterns {
        println!("{} merges {}: {:?}", pattern.regex.as_str(), pattern.merges, pattern.examples);
    }
    assert!(learned.paths.ratio() > 1.0 && learned.words.ratio() > 1.0);
    assert!(learned.patterns.iter().any(|pattern| pattern.name == "jre<version>_<digits>"));
    let again = Normaliser::learn(&paths, &[], 42, &Control::silent()).expect("trained");
    assert_eq!(again.vectors.path(paths[0]), learned.vectors.path(paths[0]), "one thread, one seed, one result");
}

#[test]
fn a_cancel_is_heard_while_word_vectors_train() {
    let control = Control::silent();
    control.cancel.cancel();
    let paths = [r"c:\windows\system32\cmd.exe"; 3];
    assert!(matches!(Normaliser::learn(&paths, &[], 1, &control), Err(RunError::Cancelled)));
}

/// Chains of an estate: what starts what is fixed, versions and numbers vary.
fn chains(known: &mut RawChains, count: usize, random: &mut ChaCha8Rng) {
    let system = |name: &str| format!(r"c:\windows\system32\{name}.exe");
    let (services, svchost, explorer) = (system("services"), system("svchost"), r"c:\windows\explorer.exe".to_owned());
    for _ in 0..count {
        let (minor, update): (u32, u32) = (random.random_range(4..9), random.random_range(1..400));
        let number: u32 = random.random_range(1_000_000..99_999_999);
        let java = |program: &str| format!(r"c:\program files\java\jre1.{minor}.0_{update}\bin\{program}.exe");
        let reader = |program: &str| format!(r"c:\program files\reader\{minor}.{update}.{}\{program}.exe", number % 1000);
        let installer = format!(r"c:\users\ann\appdata\local\temp\install_{number}.exe");
        let package = format!(r"c:\programdata\package cache\{{{number:08x}-1234-4abc-9def-{:012x}}}\setup.exe", u64::from(number) * 7919);
        let office = |program: &str| format!(r"c:\program files\suite\office{}\{program}.exe", 10 + number % 9);
        let chain: Vec<String> = match random.random_range(0..12) {
            0 => vec![system("wininit"), services.clone(), svchost.clone(), system("taskhostw")],
            1 => vec![system("wininit"), services.clone(), svchost.clone(), system("wbem\\wmiprvse")],
            2 => vec![system("winlogon"), system("userinit"), explorer.clone(), reader("reader")],
            3 => vec![system("userinit"), explorer.clone(), reader("reader"), reader("updater")],
            4 => vec![system("userinit"), explorer.clone(), java("javaw"), java("jp2launcher")],
            5 => vec![explorer.clone(), system("cmd"), java("java"), system("conhost")],
            6 => vec![system("userinit"), explorer.clone(), installer, package],
            7 => vec![explorer.clone(), installer, package, system("msiexec")],
            8 => vec![system("userinit"), explorer.clone(), office("winword"), system("splwow64")],
            9 => vec![system("userinit"), explorer.clone(), office("outlook"), office("winword")],
            10 => vec![services.clone(), svchost.clone(), system("dllhost")],
            _ => vec![system("smss"), system("csrss"), system("conhost")],
        };
        let chain: Box<[u32]> = chain.iter().map(|path| known.paths.intern(path)).collect();
        if known.known.insert(chain.clone(), known.chains.len() as u32).is_none() {
            known.chains.push(chain);
        }
    }
}

/// Toy data: the median of five seeds counts.
#[test]
fn order_threshold_and_reduction_gates() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut known = RawChains::default();
    chains(&mut known, 1500, &mut random);
    let training = known.chains.len();
    chains(&mut known, 300, &mut random);
    let (store, device, control) = (MemoryStore::default(), Device::cpu(), Control::silent());
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for seed in 42..47 {
        let plan = Plan { seed, ..Plan::standard() };
        let input = Input { case: &store, baseline: &[], plan: &plan, device: &device, model: None, save_model: None, control: &control };
        let trained = Trained::learn(&known, training, 4, &input).expect("trained");
        let held: Vec<Vec<u32>> = known.chains[training..].iter().map(|chain| chain.iter().map(|path| trained.rewritten[*path as usize]).collect()).collect();
        inside.push(trained.order.area);
        outside.push(trained.order_test(&held, &input).expect("not cancelled").area);
        if seed == 42 {
            println!("under the published threshold of {THRESHOLD}: {:.1} % (>= 95 %)", trained.under * 100.0);
            trained.remarks().iter().for_each(|remark| println!("{remark}"));
        }
        assert!(trained.under >= 0.95, "seed {seed}: {}", trained.under);
        assert!(trained.normaliser.paths.ratio() > 1.0 && trained.normaliser.words.ratio() > 1.0);
    }
    println!("shifted order, ROC-AUC, five seeds: training chains {inside:.4?} (median >= .99), held-out {outside:.4?} (median >= .95)");
    inside.sort_by(f64::total_cmp);
    outside.sort_by(f64::total_cmp);
    assert!(inside[2] >= 0.99 && outside[2] >= 0.95);
}
