//! Configs as people write them who set up their first account.

use std::fmt::Write as _;
use std::path::Path;

use bursar::config::check_config;

use super::snapshot;

const CASES: [(&str, &str); 20] = [
    ("account for accounts", "[account.main]\nlogin_env = \"X\"\n"),
    ("secrets in the file", "[accounts.main]\nlogin = \"me\"\npassword = \"hunter2\"\n"),
    ("secret without quotes", "[accounts.main]\npassword = hunter2\n"),
    ("secret after a colon", "[accounts.main]\napi_key: \"hunter2\"\n"),
    ("secret for a variable", "[accounts.main]\npassword_env = \"hunter2!\"\n"),
    ("number for a cap", "[accounts.main]\ncaps = { day = 50 }\n"),
    ("comma in a cap", "[accounts.main]\ncaps = { day = \"12,50\" }\n"),
    ("cap of a week", "[accounts.main.caps]\nweek = \"5\"\n"),
    ("budget for caps", "[accounts.main]\nbudget = \"5\"\n"),
    ("route by another name", "[accounts.main]\nroute = \"data_for_seo\"\n"),
    ("http", "[accounts.main]\nbase_url = \"http://api.dataforseo.com\"\n"),
    ("url for base_url", "[accounts.main]\nurl = \"api.dataforseo.com\"\n"),
    ("seconds as a number", "[accounts.main.timing]\nrequest_timeout = 60\n"),
    ("misspelt limit", "[accounts.main.limits]\ncalls_per_minut = \"100\"\n"),
    ("limit as text", "[accounts.main]\nlimits = { calls_per_minute = \"1000\" }\n"),
    ("account twice", "[accounts.main]\n[accounts.main]\n"),
    ("Windows path with escapes", "ledger = \"C:\\temp\\bursar.db\"\n"),
    ("Windows path that is no TOML", "ledger = \"C:\\data\\bursar.db\"\n"),
    ("typographic quotes", "ledger = \u{201c}bursar.db\u{201d}\n"),
    (
        "number for a price",
        "[[accounts.main.prices]]\nfunction = \"llm_responses\"\nengine = \"openai\"\nprice = 0.4\n",
    ),
];

#[test]
fn configs_are_told_their_place_and_their_cure() {
    let mut text = String::new();
    for (done, config) in CASES {
        let problems = check_config(Path::new("bursar.toml"), config).unwrap_err();
        assert!(!problems.render(false).contains("hunter2"), "{problems}");
        assert!(!problems.listing().contains("hunter2"), "{}", problems.listing());
        writeln!(text, "{done}").unwrap();
        for problem in &problems {
            writeln!(text, "  {} {}\n    {}", problem.at, problem.what, problem.help).unwrap();
        }
    }
    snapshot!("configs", text);
}
