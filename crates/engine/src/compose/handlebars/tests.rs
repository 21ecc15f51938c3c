//! Texts as people write them, and bombs. Every test here runs on a small stack, so that a descent that is too deep ends
//! the test program.

use agent_runner_definitions::{MAX_NESTING, TemplateNames, check_template};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const VALUES: [&str; 8] = ["range", "depth", "count", "loud", "quiet", "token", "unset", "a.b"];

fn data() -> Context {
    let lines: String = (0..400).map(|number| format!("line {number}\n")).collect();
    Context::from(json!({
        "range": "main..HEAD", "depth": "quick", "count": 3, "loud": true, "quiet": false, "token": "s3cret,word",
        "a.b": "dotted", "many": lines, "evil": "{{range}} {{#each tasks}}", "html": "<b> & \"c\"",
        "tasks": [{"id": "one", "title": "First"}, {"id": "two", "title": "Second s3cret,word"}],
    }))
}

fn names() -> Vec<&'static str> {
    VALUES.into_iter().chain(["many", "evil", "html"]).collect()
}

/// What checking and rendering come to; the error says which of them refused, and why.
fn rendered(text: &str) -> Result<String, String> {
    let names = names();
    let checked = check_template(text, TemplateNames { values: Some(&names), has_tasks: true });
    let tags = checked.map_err(|problem| format!("check {:?} {}", problem.place(text), problem.message))?;
    let renderer = Renderer::new(|text| text.contains("s3cret,word"));
    renderer
        .render(text, tags, &data())
        .map_err(|fault| format!("render {:?} {}", fault.place, fault.message))
}

/// The same on a stack of one MiB.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap()
}

#[test]
fn conditions_loops_and_functions_do_what_they_say() {
    for (text, expected) in [
        ("", ""),
        ("plain } text }} ${{x", "!"),
        ("{{range}}|{{~ count ~}} |{{loud}}", "main..HEAD|3|true"),
        ("{{#if loud}}yes{{else}}no{{/if}}{{#if quiet}}yes{{else}}no{{/if}}{{#if unset}}yes{{/if}}", "yesno"),
        ("{{#unless quiet}}calm{{/unless}}", "calm"),
        ("{{#if (eq depth \"quick\")}}q{{else if (eq depth 'deep')}}d{{else}}o{{/if}}", "q"),
        ("{{#if (eq depth \"x\")}}q{{else if (gt count 2)}}d{{else}}o{{/if}}", "d"),
        ("{{#if (and loud (not quiet) (gte count 3) (lte count 3.0) (ne depth 'x'))}}all{{/if}}", "all"),
        ("{{#if (or quiet (lt count 3))}}some{{else}}none{{/if}}", "none"),
        (
            "{{#each tasks}}{{@index}}:{{id}}={{title}}{{#unless @last}}, {{/unless}}{{/each}}",
            "0:one=First, 1:two=Second s3cret,word",
        ),
        (
            "{{#each tasks as |task n|}}{{n}}{{task.id}}{{../range}}{{@root.depth}};{{/each}}",
            "0onemain..HEADquick;1twomain..HEADquick;",
        ),
        ("{{#each (split token2 ',')}}{{/each}}", "!"),
        ("{{#each (split 'a, b,,c' ',')}}[{{this}}]{{/each}}", "[a][b][c]"),
        (
            "{{#each (lines 'x')}}{{#each ../tasks}}{{#if @first}}{{id}}{{/if}}{{/each}}{{this}}{{/each}}",
            "onex",
        ),
        (
            "{{#each (split range '..') as |end|}}{{#each @root.tasks as |t|}}{{end}}-{{t.id}} {{/each}}{{/each}}",
            "main-one main-two HEAD-one HEAD-two ",
        ),
        ("{{#each (split \"\" \",\")}}x{{else}}nothing {{range}}{{/each}}", "nothing main..HEAD"),
        ("{{len tasks}} {{len (split range \"..\")}} {{eq count 3}}", "2 2 true"),
        ("{{! gone }}{{!-- {{gone}} }} --}}{{html}}{{[a.b]}}", "<b> & \"c\"dotted"),
        ("{{evil}}", "{{range}} {{#each tasks}}"),
        ("\\{{range}} $\\{{ github.sha }} \\\\{{range}}", "{{range}} ${{ github.sha }} \\main..HEAD"),
        ("a\n{{#if loud}}\nb\n{{/if}}\nc\n", "a\nb\nc\n"),
        ("{{#each tasks}}\n- {{title}}\n{{/each}}\n", "- First\n- Second s3cret,word\n"),
    ] {
        match rendered(text) {
            Ok(found) => assert_eq!(found, expected, "{text:?}"),
            Err(why) => assert_eq!(expected, "!", "{text:?}: {why}"),
        }
    }
}

#[test]
fn what_has_no_value_is_an_error_where_it_is_written_and_no_value_is_repeated() {
    let no_value = rendered("a\nb {{#if loud}}\n  {{unset}}{{/if}}").unwrap_err();
    assert_eq!(no_value, "render Some((3, 3)) variable `unset` has no value here");
    for text in [
        "{{#each (split token ',')}}{{this}}{{/each}}",
        "{{#each tasks}}{{#each (split title ',')}}{{this}}{{/each}}{{/each}}",
        "{{#if loud}}{{#each (lines token)}}{{/each}}{{/if}}",
    ] {
        let taken_apart = rendered(text).unwrap_err();
        assert!(taken_apart.contains(HIDDEN) && !taken_apart.contains("s3cret"), "{taken_apart}");
    }
    assert_eq!(rendered("{{token}}{{#if (eq token 's3cret,word')}}!{{/if}}").unwrap(), "s3cret,word!");
}

#[test]
fn as_deep_as_is_allowed_fits_a_small_stack() {
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
    let chained = format!(
        "{{{{#if quiet}}}}{}{{{{else}}}}last{{{{/if}}}}",
        "{{else if quiet}}".repeat(MAX_NESTING - 1)
    );
    let calls = format!("{{{{#if {}loud{}}}}}x{{{{/if}}}}", "(not (not ".repeat(4), "))".repeat(4));
    on_a_small_stack(move || {
        assert_eq!(rendered(&nested("{{#if loud}}", "{{/if}}", MAX_NESTING)).unwrap(), "x");
        assert_eq!(rendered(&nested("{{#each (lines 'y')}}", "{{/each}}", MAX_NESTING)).unwrap(), "x");
        assert_eq!(rendered(&chained).unwrap(), "last");
        assert_eq!(rendered(&calls).unwrap(), "x");
    });
}

/// What is too deep, or could be.
fn deep_bombs() -> Vec<String> {
    let mut bombs = Vec::new();
    for depth in [MAX_NESTING + 1, 2_000, 100_000] {
        for (open, close) in [
            ("{{#if loud}}", "{{/if}}"),
            ("{{#if loud}}", ""),
            ("{{#each (lines 'y')}}", "{{/each}}"),
            ("{{# unless quiet }}", "{{/unless}}"),
            ("{{#if quiet}}{{else}}", "{{/if}}"),
            ("{{else if loud}}", ""),
            ("{{{{raw}}}}", "{{{{/raw}}}}"),
            ("{{#*inline \"x\"}}", "{{/inline}}"),
            ("{{#> part}}", "{{/part}}"),
            ("{{#with tasks}}", "{{/with}}"),
        ] {
            bombs.push(format!("{}x{}", open.repeat(depth), close.repeat(depth)));
        }
        bombs.push(format!("{{{{#if loud}}}}{}{{{{/if}}}}", "{{else if loud}}".repeat(depth)));
        for (open, close) in
            [("(not ", ")"), ("(not ", ""), ("(", ")"), ("[", "]"), ("{\"a\":", "}"), ("'", "'")]
        {
            bombs.push(format!("{{{{#if {}loud{}}}}}x{{{{/if}}}}", open.repeat(depth), close.repeat(depth)));
            bombs.push(format!("{{{{not {}loud{}}}}}", open.repeat(depth), close.repeat(depth)));
        }
        bombs.push(format!("{{{{{}range}}}}", "../".repeat(depth)));
        bombs.push(format!("{{{{range{}}}}}", ".a".repeat(depth)));
    }
    bombs
}

#[test]
fn what_is_deeper_is_refused_before_the_library_sees_it() {
    on_a_small_stack(|| {
        for bomb in deep_bombs() {
            let refused = rendered(&bomb).unwrap_err();
            assert!(refused.starts_with("check "), "{refused}: {:.60}", bomb);
        }
    });
}

#[test]
fn partials_decorators_and_what_the_library_brings_along_are_refused() {
    for text in [
        "{{> self}}",
        "{{#*inline \"self\"}}{{> self}}{{/inline}}{{> self}}",
        "{{#> layout}}x{{/layout}}",
        "{{* inline}}",
        "{{#with tasks}}x{{/with}}",
        "{{lookup tasks 0}}",
        "{{#raw}}x{{/raw}}",
        "{{log range}}",
        "{{{range}}}",
        "{{&range}}",
        "{{{{raw}}}} x {{{{/raw}}}}",
        "{{#if loud includeZero=true}}x{{/if}}",
        "{{^}}",
        "{{#if loud}}{{^}}{{/if}}",
        "{{elsewhere}}",
        "{{! -- }} --}}",
    ] {
        let refused = rendered(text).unwrap_err();
        assert!(refused.starts_with("check "), "{text}: {refused}");
    }
}

#[test]
fn loops_that_go_on_for_too_long_are_stopped_with_and_without_output() {
    let triple = |inner: &str| {
        let each = "{{#each (lines @root.many)}}";
        format!("{}{inner}{}", each.repeat(3), "{{/each}}".repeat(3))
    };
    for text in
        [triple("x"), triple(""), triple("{{this}}"), triple("{{#if (eq @root.many @root.many)}}{{/if}}")]
    {
        let began = std::time::Instant::now();
        let refused = rendered(&text).unwrap_err();
        assert!(refused.contains(TOO_MUCH_WORK), "{refused}");
        assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    }
    let long = format!("{{{{#each (lines many)}}}}{}{{{{/each}}}}", "words and ".repeat(400));
    assert!(rendered(&long).unwrap_err().contains(TOO_MUCH_TEXT));
    let literal = "x".repeat(agent_runner_definitions::MAX_TEMPLATE + 1);
    assert!(rendered(&literal).unwrap_err().starts_with("check "));
    let quoted = format!("{{{{#each (split \"{}\" \",\")}}}}x{{{{/each}}}}", "a,".repeat(50_000));
    assert!(rendered(&quoted).unwrap_err().starts_with("check "));
}

#[test]
fn the_largest_texts_of_many_small_tags_do_not_take_long() {
    use agent_runner_definitions::{MAX_TAGS, MAX_TEMPLATE};
    for tag in ["{{range}}", "{{! c }}", "\\{{", "{{#if loud}}{{/if}}\n", "{{~range~}}", "\\\\\\{{range}}"] {
        let count = MAX_TAGS / tag.matches("{{").count();
        let filler = "x ".repeat((MAX_TEMPLATE / count - tag.len()) / 2);
        for (text, fits) in [(format!("{tag}{filler}").repeat(count), true), (tag.repeat(count + 1), false)] {
            let began = std::time::Instant::now();
            assert_eq!(rendered(&text).is_ok(), fits, "{tag}");
            assert!(began.elapsed().as_secs() < 20, "{tag} {:?}", began.elapsed());
        }
    }
}

#[test]
fn the_limits_hold_for_all_texts_of_a_run_together() {
    let renderer = Renderer::new(|_| false);
    let text = "{{#each (lines many)}}{{@index}}{{/each}}";
    let done = (0..1000).take_while(|_| renderer.render(text, 3, &data()).is_ok()).count();
    assert!((10..500).contains(&done), "{done}");
}

/// Pieces of templates: right ones, and what breaks them.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "{{range}}",
        "{{#if loud}}",
        "{{/if}}",
        "{{else}}",
        "{{else if quiet}}",
        "{{#each tasks}}",
        "{{/each}}",
        "{{#each (lines many)}}",
        "{{#each (split range '.') as |p i|}}",
        "{{p}}",
        "{{i}}",
        "{{this}}",
        "{{id}}",
        "{{../range}}",
        "{{@index}}",
        "{{@root.depth}}",
        "{{~",
        "~}}",
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{{{",
        "}}}}",
        "{{!",
        "--}}",
        "{{!--",
        "\\",
        "\\\\",
        "{{#unless (not (eq count 3))}}",
        "{{/unless}}",
        "(",
        ")",
        "|",
        "'",
        "\"",
        "[",
        "]",
        "\n",
        "  ",
        "x",
        "é",
        "{{#",
        "{{/",
        "{{>",
        "{{else",
        "as",
        "this",
        ".",
        "/",
        "=",
        "&",
        "^",
        "*",
        "range",
        "not",
        "unset",
        "1",
        "-",
        "$",
        "@",
    ]);
    prop_oneof![12 => known.prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

/// Templates that are nested as they should be.
fn well_formed() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "{{range}}",
        "{{@root.count}}",
        "text\n",
        "  ",
        "{{~@root.loud~}}",
        "{{! c }}",
        "\\{{x}}",
        "{{len @root.tasks}}",
        "",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(8, 60, 5, |inner| {
        let block = prop::sample::select(vec![
            ("{{#if @root.loud}}", "{{/if}}"),
            ("{{#if @root.unset}}\n", "{{~/if}}\n"),
            ("{{#unless (eq @root.depth 'x')}}", "{{/unless}}"),
            ("{{#each @root.tasks as |t|}}\n", "{{t.id}}\n{{/each}}\n"),
            ("{{#each (split @root.range '.')}}", "{{this}}{{/each}}"),
        ]);
        let other = prop::sample::select(vec![
            "",
            "{{else}}",
            "{{else if @root.quiet}}",
            "{{~else~}}",
            "{{else if @root.loud}}a{{else}}",
        ]);
        (block, other, prop::collection::vec(inner.clone(), 0..3), prop::collection::vec(inner, 0..3))
            .prop_map(|((open, close), other, first, second)| {
                match other.is_empty() || open.contains(" as ") || close.contains("this") {
                    true => format!("{open}{}{}{close}", first.concat(), second.concat())
                        .replace("{{range}}", "{{@root.range}}"),
                    false => format!("{open}{}{other}{}{close}", first.concat(), second.concat())
                        .replace("{{range}}", "{{@root.range}}"),
                }
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_ends_the_program_and_what_passes_the_check_is_understood(pieces in prop::collection::vec(piece(), 0..14)) {
        let text = pieces.concat();
        if let Err(why) = rendered(&text) {
            prop_assert!(!why.contains(MISTAKEN), "{}: {:?}", why, text);
        }
    }

    #[test]
    fn what_is_well_formed_renders_within_the_limits(text in well_formed()) {
        match rendered(&text) {
            Ok(found) => prop_assert!(found.len() as u64 <= MAX_OUTPUT),
            Err(why) => prop_assert!(why.contains(TOO_MUCH_WORK) || why.contains("has no value"), "{}: {:?}", why, text),
        }
    }

    #[test]
    fn a_text_without_braces_is_not_touched(text in "[ a-z.é\\n}<&\\\\]{0,60}") {
        prop_assert_eq!(rendered(&text).unwrap(), text);
    }
}
