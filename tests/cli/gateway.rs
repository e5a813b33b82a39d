//! An account on route `aisa`, over HTTP, against the simulated gateway.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::world::{Ended, World};

/// The simulated gateway's, which nothing may ever show.
const KEY: &str = "sandbox-key";

struct Gateway {
    world: World,
    key: &'static str,
    /// All that was ever said.
    said: String,
}

impl Gateway {
    /// A job of two questions, asked Live, and faults of the provider's.
    fn new(faults: &str) -> Self {
        let world = World::with(&["--speed", "100000"], faults);
        let config = format!(
            "state_dir = 'state'\n[accounts.main]\nroute = 'aisa'\nbase_url = 'http://{}'\nkey_env = 'A_KEY'\n\
             limits = {{ calls_per_minute = 60000 }}\n",
            world.address
        );
        fs::write(world.folder.path().join("bursar.toml"), config).unwrap();
        let gateway = Self { world, key: KEY, said: String::new() };
        gateway.ask(2);
        gateway
    }

    fn ask(&self, questions: usize) {
        self.world.job("0.02", questions);
        let path = self.world.folder.path().join("job.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("engine = ", "method = \"live\"\nengine = ")).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(args);
        command.env_remove("DATAFORSEO_LOGIN").env_remove("DATAFORSEO_PASSWORD").env("A_KEY", self.key);
        command
    }

    fn bursar(&mut self, args: &[&str]) -> Ended {
        let ended = Ended::of(self.command(&[&["-v"], args].concat()).output().unwrap());
        let _ = write!(self.said, "{ended:?}");
        ended
    }

    fn tasks_sold(&self) -> serde_json::Value {
        self.world.bill()["tasks"].clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(!self.said.contains(self.key), "the key was shown: {}", self.said);
        }
    }
}

#[test]
fn a_gateway_run_is_answered_and_books_agree() {
    let mut gateway = Gateway::new("");
    let run = gateway.bursar(&["run", "job.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let doctor = gateway.bursar(&["doctor"]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    for said in ["answers to the key in A_KEY", "nothing", "it has no list of what was bought", "no balance"] {
        assert!(doctor.stdout.contains(said), "{said}: {}", doctor.stdout);
    }
    assert!(!doctor.stdout.contains("visibility proof"), "{}", doctor.stdout);
    let probe = gateway.bursar(&["doctor", "--probe"]);
    assert_eq!(probe.code, 0, "{probe:?}");
    assert!(probe.stdout.contains("route `aisa` has no list to prove anything: nothing was bought"), "{probe:?}");
    let models = gateway.bursar(&["models", "--engine", "chat_gpt", "--refresh"]);
    assert_eq!(models.code, 6, "{models:?}");
    assert!(models.stderr.contains("There is no such endpoint. (HTTP 404)"), "{models:?}");
    assert_eq!(gateway.bursar(&["locations", "--engine", "gemini", "--refresh"]).code, 0);
    gateway.world.agree(2);
}

#[test]
fn gateway_doubt_waits_for_a_persons_decision() {
    for (verdict, sold) in [("--bought", 2), ("--not-bought", 3)] {
        let mut gateway = Gateway::new("[[fault]]\nkind = 'drop_after'\ncall = 'live'\nnth = [2]\ngateway = true\n");
        for _ in 0..3 {
            let run = gateway.bursar(&["run", "job.toml"]);
            assert_eq!((run.code, gateway.tasks_sold()), (8, 2.into()), "{run:?}");
            assert!(run.stdout.contains("`bursar resolve BATCH --bought|--not-bought --reason TEXT`"), "{run:?}");
        }
        let asked = gateway.bursar(&["reconcile"]);
        assert_eq!(asked.code, 8, "{asked:?}");
        assert!(asked.stderr.contains("so nothing can be looked up; 1 task in doubt, $0.004 held"), "{asked:?}");
        let doctor = gateway.bursar(&["doctor"]);
        assert!(doctor.stdout.contains("they cannot be looked up"), "{doctor:?}");
        let resolved = gateway.bursar(&["resolve", "2", verdict, "--reason", "seen in its console"]);
        assert_eq!(resolved.code, 0, "{resolved:?}");
        let run = gateway.bursar(&["run", "job.toml"]);
        let code = if verdict == "--bought" { 4 } else { 0 };
        assert_eq!((run.code, gateway.tasks_sold()), (code, sold.into()), "{run:?}");
        // What was given up is looked for in no list that this route has.
        let asked = gateway.bursar(&["reconcile"]);
        assert!(asked.code == 0 && asked.stderr.contains("nothing is in doubt"), "{asked:?}");
        if verdict == "--bought" {
            gateway.world.agree(2);
        }
    }
}

#[test]
fn a_restored_ledger_buys_after_a_persons_word() {
    let mut gateway = Gateway::new("");
    assert_eq!(gateway.bursar(&["run", "job.toml"]).code, 0);
    let folder = gateway.world.folder.path().to_owned();
    fs::copy(folder.join("bursar.db"), folder.join("copy.db")).unwrap();
    gateway.ask(3);
    assert_eq!(gateway.bursar(&["run", "job.toml"]).code, 0);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("bursar.db{suffix}")));
    }
    fs::copy(folder.join("copy.db"), folder.join("bursar.db")).unwrap();
    gateway.ask(4);
    let run = gateway.bursar(&["run", "job.toml"]);
    assert_eq!((run.code, gateway.tasks_sold()), (6, 3.into()), "{run:?}");
    assert!(run.stderr.contains("a person decides before account main buys again"), "{run:?}");
    assert!(run.stdout.contains("`bursar resolve --restored main --reason TEXT`"), "{run:?}");
    let asked = gateway.bursar(&["reconcile"]);
    assert!(asked.code == 8 && asked.stderr.contains("bursar resolve --restored main"), "{asked:?}");
    assert_eq!(gateway.bursar(&["resolve", "--restored", "nobody", "--reason", "x"]).code, 2);
    assert_eq!(gateway.bursar(&["resolve", "--restored", "main", "--reason", "compared with its console"]).code, 0);
    let again = gateway.bursar(&["resolve", "--restored", "main", "--reason", "compared with its console"]);
    assert_eq!(again.code, 2, "{again:?}");
    let run = gateway.bursar(&["run", "job.toml"]);
    assert_eq!((run.code, gateway.tasks_sold()), (0, 5.into()), "{run:?}");
}

#[test]
fn a_bad_gateway_key_buys_nothing() {
    let mut gateway = Gateway::new("");
    let missing = Ended::of(gateway.command(&["run", "job.toml"]).env_remove("A_KEY").output().unwrap());
    assert!(missing.code == 2 && missing.stderr.contains("set A_KEY to the key"), "{missing:?}");
    gateway.key = "hunter2-hunter2";
    let run = gateway.bursar(&["run", "job.toml"]);
    assert_eq!(run.code, 6, "{run:?}");
    assert!(run.stdout.contains("The key is not known. (HTTP 401)"), "{run:?}");
    let doctor = gateway.bursar(&["doctor"]);
    assert!(
        doctor.code == 6 && doctor.stdout.contains("refuses the key in A_KEY: The key is not known."),
        "{doctor:?}"
    );
    let config = gateway.world.folder.path().join("bursar.toml");
    let text = fs::read_to_string(&config).unwrap().replace("key_env = 'A_KEY'", "key_file = 'key'");
    fs::write(&config, text).unwrap();
    let file = gateway.world.folder.path().join("key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let open = gateway.bursar(&["run", "job.toml"]);
        assert!(open.code == 2 && open.stderr.contains("key file"), "{open:?}");
        mode(0o600);
    }
    assert_eq!(gateway.tasks_sold(), 0);
    let run = gateway.bursar(&["run", "job.toml"]);
    assert_eq!(run.code, 0, "a new key of the same account: {run:?}");
    assert!(!gateway.said.contains(KEY));
    gateway.world.agree(2);
}
