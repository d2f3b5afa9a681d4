//! Fault 2: evidence was opened as a case, read-write.

use super::{assert_same, copy, evidence, pristine, state, text};
use crate::support::residue;
use residue::case::Case;

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn fault_2_a_folder_by_another_name_is_no_case_whatever_it_holds() {
    let home = tempfile::tempdir().unwrap();
    for name in ["folder", "a.residue.bak", "residue", ".residue", "A.RESIDUE "] {
        let dir = home.path().join(name);
        copy(&pristine().1, &dir);
        assert!(!Case::is_case(&dir), "{name}");
        let before = state(&dir);
        let refused = Case::open(&dir).err().unwrap().to_string();
        assert!(refused.contains("NAME.residue"), "{name}: {refused}");
        for args in [&["export", text(&dir), "--out", "x.csv"][..], &["verify", text(&dir)], &["audit", text(&dir)], &["import", text(&dir), "x.csv"]] {
            assert_eq!(residue(args).status.code(), Some(2), "{args:?}");
        }
        let out = home.path().join(format!("out {name}"));
        let done = residue(&["triage", text(&dir), "--out", text(&out), "--progress", "none"]);
        assert_eq!(done.status.code(), Some(2), "{name}: nothing in it is evidence that can be ranked: {}", said(&done));
        assert!(std::fs::read_to_string(out.join("ledger.json")).unwrap().contains("case.sqlite"), "{name}: it was read as evidence");
        assert_same(&before, &dir, name);
    }
}

#[test]
fn fault_2_a_case_below_evidence_is_evidence() {
    let home = tempfile::tempdir().unwrap();
    let given = home.path().join("F");
    evidence(&given, 2);
    let inside = given.join("sub/x.residue");
    copy(&pristine().1, &inside);
    let before = state(&given);
    let triage = |args: &[&str], out: &str| {
        let out = home.path().join(out);
        let mut all = vec!["triage"];
        all.extend(args);
        all.extend(["--detector", "fields", "--progress", "none", "--out", text(&out)]);
        let done = residue(&all);
        assert!(matches!(done.status.code(), Some(0 | 1)), "{args:?}: {}", said(&done));
        assert_same(&before, &given, &format!("{args:?}"));
        std::fs::read_to_string(out.join("ledger.json")).unwrap()
    };
    assert!(triage(&[text(&given)], "1").contains("F/sub/x.residue/case.sqlite"));
    assert!(triage(&[text(&given), text(&inside)], "2").contains("x.residue/case.sqlite"));
    // As known-good too, whether it lies in what is ranked or in another folder that is known-good.
    triage(&[text(&given), "--baseline", text(&inside)], "3");
    let elsewhere = home.path().join("G");
    evidence(&elsewhere, 1);
    triage(&[text(&elsewhere), "--baseline", text(&given), "--baseline", text(&inside)], "4");
    // Given by itself it is the case that it looks like.
    let alone = home.path().join("x.residue");
    copy(&inside, &alone);
    assert!(Case::is_case(&alone) && Case::open(&alone).is_ok());
}

/// Makes a case folder something else.
type Spoil = Box<dyn Fn(&std::path::Path)>;

#[test]
fn fault_2_another_programs_database_is_evidence_by_any_name() {
    let home = tempfile::tempdir().unwrap();
    let spoil: [(&str, Spoil); 4] = [
        ("another application", Box::new(|dir| rusqlite::Connection::open(dir.join("case.sqlite")).unwrap().pragma_update(None, "application_id", 7).unwrap())),
        ("no database", Box::new(|dir| std::fs::write(dir.join("case.sqlite"), "SQLite it is not").unwrap())),
        ("empty", Box::new(|dir| std::fs::write(dir.join("case.sqlite"), "").unwrap())),
        (
            "a folder in its place",
            Box::new(|dir| {
                std::fs::remove_file(dir.join("case.sqlite")).unwrap();
                std::fs::create_dir(dir.join("case.sqlite")).unwrap();
            }),
        ),
    ];
    for (what, spoil) in spoil {
        let dir = home.path().join(format!("{what}.residue"));
        copy(&pristine().1, &dir);
        spoil(&dir);
        let before = state(&dir);
        assert!(!Case::is_case(&dir) && Case::open(&dir).is_err(), "{what}");
        let out = home.path().join(format!("out {what}"));
        let done = residue(&["triage", text(&dir), "--out", text(&out), "--progress", "none"]);
        assert!(said(&done).contains("read as evidence"), "{what}: {}", said(&done));
        assert_same(&before, &dir, what);
    }
}

#[test]
fn fault_2_a_damaged_case_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    for statement in [
        "UPDATE sources SET ledger = '{'",
        "UPDATE sources SET row_groups = '[{\"rows\":99999999999,\"first\":[1,0],\"last\":[1,0],\"from\":null,\"to\":null}]'",
        "UPDATE sources SET ledger = json_set(ledger, '$.events', 18446744073709551615)",
        "UPDATE annotations SET tags = 'no list'",
        "UPDATE annotations SET unit = 9",
        "UPDATE runs SET number = 77",
        "DROP TABLE audit; CREATE VIEW audit AS SELECT 1",
    ] {
        let dir = home.path().join("a.residue");
        copy(&pristine().1, &dir);
        std::fs::write(dir.join("runs/run-x.tmp"), "left by a killed run").unwrap();
        std::fs::remove_file(dir.join("case.lock")).ok();
        rusqlite::Connection::open(dir.join("case.sqlite")).unwrap().execute_batch(statement).unwrap();
        let before = state(&dir);
        let done = residue(&["triage", text(&dir), "--out", text(&home.path().join("out")), "--progress", "none"]);
        assert_eq!(done.status.code(), Some(2), "{statement}");
        assert!(said(&done).contains("the case is damaged and was left as it is"), "{statement}: {}", said(&done));
        assert_same(&before, &dir, statement);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
