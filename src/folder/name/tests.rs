use super::{Name, parse};
use crate::limits;
use proptest::prelude::{any, prop_assert, proptest};

/// What a name says, on one line: `Title (1999)`, `Show 1x02 Title (2005)`.
fn said(path: &str) -> String {
    let Name {
        title,
        year,
        episode,
    } = parse("Films", path);
    let mut line = match episode {
        Some(of) => format!("{} {}x{:02} {title}", of.show, of.season, of.number),
        None => title,
    };
    if let Some(year) = year {
        line.push_str(&format!(" ({year})"));
    }
    line
}

fn check(names: &[(&str, &str)]) {
    for (path, wanted) in names {
        assert_eq!(said(path), *wanted, "{path}");
    }
}

#[test]
fn films_are_named_as_plex_and_jellyfin_say() {
    check(&[
        ("Film (1999).mkv", "Film (1999)"),
        ("Film (1999)/Film (1999) - 1080p.mkv", "Film (1999)"),
        (
            "Film (1999)/Film (1999) {edition-Director's Cut}.mkv",
            "Film (1999)",
        ),
        (
            "Film (1999) {tmdb-603}/Film (1999) [1080p].mp4",
            "Film (1999)",
        ),
        ("Film (1999) [imdbid-tt0133093]/Film.mkv", "Film (1999)"),
        ("Film (1999)/movie.mkv", "Film (1999)"),
        ("Alien (1979)/alien.directors.cut.mkv", "Alien (1979)"),
        ("Holidays (2019)/Beach.mp4", "Beach"),
        (
            "2001 A Space Odyssey (1968).mkv",
            "2001 A Space Odyssey (1968)",
        ),
        ("1917 (2019).mkv", "1917 (2019)"),
        ("Blade Runner 2049 (2017).mkv", "Blade Runner 2049 (2017)"),
        ("Wonder Woman 1984 (2020).mkv", "Wonder Woman 1984 (2020)"),
        ("Wonder Woman 1984.mkv", "Wonder Woman 1984"),
        ("Heat 1995 1080p.mkv", "Heat (1995)"),
        ("Heat [1995].mkv", "Heat (1995)"),
        ("(1995) Heat.mkv", "Heat (1995)"),
        ("Dr. Strangelove (1964).mkv", "Dr. Strangelove (1964)"),
        ("Charlotte's Web (1973).mkv", "Charlotte's Web (1973)"),
        (
            "(500) Days of Summer (2009).mkv",
            "(500) Days of Summer (2009)",
        ),
        ("Mission - Impossible 1080p.mkv", "Mission - Impossible"),
        ("1984.mkv", "1984"),
        ("clip.mp4", "clip"),
        ("Spider-Man.mp4", "Spider-Man"),
    ]);
}

#[test]
fn films_are_named_as_the_scene_does() {
    check(&[
        (
            "The.Matrix.1999.1080p.BluRay.x264-GROUP.mkv",
            "The Matrix (1999)",
        ),
        (
            "Blade.Runner.2049.2017.2160p.UHD.BluRay.x265-GRP.mkv",
            "Blade Runner 2049 (2017)",
        ),
        ("Blade.Runner.2049.1080p.mkv", "Blade Runner 2049"),
        ("the_matrix_1999.avi", "the matrix (1999)"),
        ("Some.Film.WEB.x264.mkv", "Some Film"),
        ("[Group] Some Film [720p].mkv", "Some Film"),
        ("M.A.S.H.1970.720p.mkv", "M.A.S.H (1970)"),
    ]);
}

#[test]
fn names_of_all_languages_are_kept() {
    check(&[
        ("WALL·E (2008).mkv", "WALL·E (2008)"),
        ("Amélie (2001)/Amélie (2001).mkv", "Amélie (2001)"),
        ("千と千尋の神隠し (2001).mkv", "千と千尋の神隠し (2001)"),
        ("Иди и смотри (1985).mp4", "Иди и смотри (1985)"),
        ("Das Boot – Director's Cut.mkv", "Das Boot – Director's Cut"),
        ("🎬 (2020).mkv", "🎬 (2020)"),
        (
            "Die Serie/Staffel 2/Die Serie - S02E01 - Größe.mkv",
            "Die Serie 2x01 Größe",
        ),
        (
            "Série (2010)/Saison 1/Série - 1x01 - Été.mkv",
            "Série 1x01 Été (2010)",
        ),
        (
            "進撃の巨人/Season 1/進撃の巨人 S01E01.mkv",
            "進撃の巨人 1x01 Episode 1",
        ),
    ]);
}

#[test]
fn episodes_are_named_as_plex_and_jellyfin_say() {
    check(&[
        (
            "Show/Season 01/Show - S01E02 - Title.mkv",
            "Show 1x02 Title",
        ),
        (
            "Show (2005)/Season 1/s01e01.mkv",
            "Show 1x01 Episode 1 (2005)",
        ),
        (
            "Show (2005)/Season 01/Show (2005) - s01e03 - Two Words.mkv",
            "Show 1x03 Two Words (2005)",
        ),
        (
            "Show {tvdb-1}/Season 01/Show - S01E01 - One [1080p].mkv",
            "Show 1x01 One",
        ),
        ("Show - S01E02-E03 - Title.mkv", "Show 1x02 Title"),
        ("Show - S01E02-03 - Title.mkv", "Show 1x02 Title"),
        ("Show - 1x02 - Title.mkv", "Show 1x02 Title"),
        (
            "Show/Specials/Show - S00E03 - Making Of.mkv",
            "Show 0x03 Making Of",
        ),
        ("Show/Specials/04 - Party.mkv", "Show 0x04 Party"),
        ("Show/Specials/Party.mkv", "Party"),
        ("Show/Season 02/07 - The One.mkv", "Show 2x07 The One"),
        ("Show/Season 2/E07.mkv", "Show 2x07 Episode 7"),
        (
            "Show/Season 2/Episode 07 - The One.mkv",
            "Show 2x07 The One",
        ),
        ("Show/S01 E02 Title.mkv", "Show 1x02 Title"),
        ("Show/Show S2020E01.mkv", "Show 2020x01 Episode 1"),
        ("Show - Season 1 Episode 2 - Title.mkv", "Show 1x02 Title"),
        ("Show Season 4/Show 4x10.mkv", "Show 4x10 Episode 10"),
        ("Season 1/s01e02.mkv", "Films 1x02 Episode 2"),
        (
            "Space 1999/Season 1/Space 1999 - S01E02.mkv",
            "Space 1999 1x02 Episode 2",
        ),
        (
            "24/Season 01/24 - S01E01 - 12-00 A.M..mkv",
            "24 1x01 12-00 A.M",
        ),
    ]);
}

#[test]
fn episodes_are_named_as_the_scene_does() {
    check(&[
        ("show.s01e02e03.title.mkv", "show 1x02 title"),
        ("Show.1x02.Title.mkv", "Show 1x02 Title"),
        (
            "Show/S03/Show.S03E04.1080p.WEB.x264-GRP.mkv",
            "Show 3x04 Episode 4",
        ),
        (
            "Show.S03.1080p.WEB-GRP/Show.S03E04.The.End.1080p.WEB.mkv",
            "Show 3x04 The End",
        ),
        (
            "Show.2019.S01E05.720p.HDTV.mkv",
            "Show 1x05 Episode 5 (2019)",
        ),
        (
            "Marvels.Agents.of.S.H.I.E.L.D.S01E02.mkv",
            "Marvels Agents of S.H.I.E.L.D 1x02 Episode 2",
        ),
    ]);
}

#[test]
fn numbers_that_are_no_episode_are_left_alone() {
    for path in [
        "Clip 1920x1080.mp4",
        "Apollo 13 (1995).mkv",
        "Se7en (1995).mkv",
        "World Series 2004/Game 1.mkv",
        "Area 51x.mkv",
        "Films/Ocean's 11.mkv",
    ] {
        assert_eq!(parse("Films", path).episode, None, "{path}");
    }
}

#[test]
fn a_name_of_tags_only_is_its_own_title() {
    check(&[
        ("[1080p].mkv", "[1080p].mkv"),
        ("no extension", "no extension"),
        (".mkv", "mkv"),
    ]);
}

proptest! {
    #[test]
    fn every_name_gives_a_title_within_the_limit(
        root in any::<String>(),
        path in "(\\PC{0,20}/){0,3}[ -~]{0,40}\\PC{0,200}x",
    ) {
        let name = parse(&root, &path);
        prop_assert!((1..=limits::TEXT_BYTES).contains(&name.title.len()));
        if let Some(episode) = name.episode {
            prop_assert!((1..=limits::TEXT_BYTES).contains(&episode.show.len()));
        }
    }
}
