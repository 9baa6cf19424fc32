//! What is told of one programme, in the order in which the DTD wants it.

use super::{clean, text_element};
use crate::http::picture;
use crate::limits;
use crate::model::{About, Airing, Episode, MediaItem};
use crate::schedule::Schedule;
use quick_xml::escape::escape;
use std::fmt::Write;
use std::sync::Arc;

/// The titles, what happens, when it was made, what kind of thing it is, how long it is on, its
/// picture at the address of the box, which episode it is, for whom it is and how good.
pub(super) fn write(
    item: Option<&Arc<MediaItem>>,
    schedule: &Schedule,
    airing: &Airing,
    web: &str,
    out: &mut String,
) {
    let none = About::default();
    let about = item.and_then(|item| item.about.as_deref());
    let about = about.unwrap_or(&none);
    let episode = item.and_then(|item| item.episode.as_ref());
    write_titles(item, schedule, out);
    let summary = about.summary.as_deref().map(clean).unwrap_or_default();
    if !summary.is_empty() {
        text_element("desc", &summary, out);
    }
    let released = about.released.as_deref().filter(|date| is_date(date));
    let year = item.and_then(|item| item.year).filter(|year| *year > 0);
    match (released, year) {
        (Some(released), _) => text_element("date", &released.replace('-', ""), out),
        (None, Some(year)) => text_element("date", &format!("{year:04}"), out),
        (None, None) => {}
    }
    let kind = match episode {
        Some(_) => Some("Series"),
        None => released.map(|_| "Movie").or(year.map(|_| "Movie")),
    };
    write_categories(kind, about, out);
    let length_s = super::ceil_s(airing.end_ms.saturating_sub(airing.start_ms));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<length units=\"seconds\">{length_s}</length>");
    if about.picture.is_some() && !web.is_empty() {
        let (root, picture) = (escape(web), picture::address(airing.item));
        let _ = writeln!(out, "<icon src=\"{root}{picture}\"/>");
    }
    if let Some(episode) = episode {
        write_episode_numbers(episode, released, out);
    }
    write_ratings(about, out);
}

fn write_titles(item: Option<&Arc<MediaItem>>, schedule: &Schedule, out: &mut String) {
    let episode = item.and_then(|item| item.episode.as_ref());
    let title = item.map_or("", |item| item.title.as_str());
    let titles = [
        episode.map_or("", |episode| episode.show.as_str()),
        title,
        schedule.channel().name.as_str(),
    ];
    let titles = titles.map(clean);
    let shown = titles.iter().find(|title| !title.is_empty());
    let shown = shown.map_or("EXStreamTV", |title| title.as_str());
    text_element("title", shown, out);
    let title = clean(title);
    if !title.is_empty() && title != shown {
        text_element("sub-title", &title, out);
    }
}

/// What clients sort by, and then the genres, each once.
fn write_categories(kind: Option<&str>, about: &About, out: &mut String) {
    let mut told: Vec<String> = kind.map(str::to_owned).into_iter().collect();
    let genres = about.genres.iter().take(limits::GUIDE_GENRES);
    for genre in genres.map(|genre| word(genre)) {
        let known = |one: &String| one.to_lowercase() == genre.to_lowercase();
        if !genre.is_empty() && !told.iter().any(known) {
            told.push(genre);
        }
    }
    for category in told {
        text_element("category", &category, out);
    }
}

/// Once for people, once as `season.episode.` counted from zero, where specials have no season, and
/// once as the day on which it was first shown, from which clients tell what is new.
fn write_episode_numbers(episode: &Episode, released: Option<&str>, out: &mut String) {
    let from_zero = |number: u16| {
        number
            .checked_sub(1)
            .map_or_else(String::new, |number| number.to_string())
    };
    let (season, number) = (episode.season, episode.number);
    let _ = writeln!(
        out,
        "<episode-num system=\"onscreen\">S{season:02}E{number:02}</episode-num>\n\
         <episode-num system=\"xmltv_ns\">{}.{}.</episode-num>",
        from_zero(season),
        from_zero(number)
    );
    if let Some(released) = released {
        let _ = writeln!(
            out,
            "<episode-num system=\"original-air-date\">{released}</episode-num>"
        );
    }
}

fn write_ratings(about: &About, out: &mut String) {
    let rating = about.content_rating.as_deref().map(word);
    if let Some(rating) = rating.filter(|rating| !rating.is_empty()) {
        let (system, value) = system_of(&rating);
        let attribute = system.map_or_else(String::new, |system| format!(" system=\"{system}\""));
        let _ = writeln!(
            out,
            "<rating{attribute}><value>{}</value></rating>",
            escape(value)
        );
    }
    if let Some(percent) = about.rating_percent.filter(|percent| *percent <= 100) {
        let (whole, tenth) = (percent / 10, percent % 10);
        let _ = writeln!(
            out,
            "<star-rating><value>{whole}.{tenth}/10</value></star-rating>"
        );
    }
}

/// Who rated it, as guides call them, and the rating itself: American films, American television,
/// or a country before a slash.
fn system_of(rating: &str) -> (Option<String>, &str) {
    if matches!(rating, "G" | "PG" | "PG-13" | "R" | "NC-17") {
        return (Some("MPAA".to_owned()), rating);
    }
    if rating.starts_with("TV-") {
        return (Some("VCHIP".to_owned()), rating);
    }
    let is_country =
        |text: &str| text.len() == 2 && text.bytes().all(|one| one.is_ascii_alphabetic());
    match rating.split_once('/') {
        Some((country, value)) if is_country(country) && !value.is_empty() => {
            (Some(country.to_ascii_uppercase()), value)
        }
        _ => (None, rating),
    }
}

/// A text that is short wherever it is sensible.
fn word(text: &str) -> String {
    let mut word = clean(text);
    word.truncate(word.floor_char_boundary(limits::GUIDE_WORD_BYTES));
    word.truncate(word.trim_end().len());
    word
}

/// Whether it has the form `YYYY-MM-DD`, and could be a day.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.is_ascii() && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{is_date, system_of, word};

    #[test]
    fn the_form_of_a_rating_says_whose_it_is() {
        for (rating, system, value) in [
            ("PG-13", Some("MPAA"), "PG-13"),
            ("TV-Y7-FV", Some("VCHIP"), "TV-Y7-FV"),
            ("de/12", Some("DE"), "12"),
            ("gb/12A", Some("GB"), "12A"),
            ("Not Rated", None, "Not Rated"),
            ("de/", None, "de/"),
            ("N/A", None, "N/A"),
            ("\"/1", None, "\"/1"),
        ] {
            let (told, rest) = system_of(rating);
            assert_eq!((told.as_deref(), rest), (system, value), "{rating}");
        }
    }

    #[test]
    fn only_days_are_dates() {
        assert!(is_date("1963-12-21"));
        for text in [
            "1963-12",
            "1963-13-01",
            "1963-02-30",
            "",
            "19631221xx",
            "1963-12-2é",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn words_are_short() {
        assert_eq!(word(" Science\nFiction "), "Science Fiction");
        assert_eq!(word(&"é".repeat(100)).len(), 64);
        assert_eq!(word(&format!("{} b", "a".repeat(63))).len(), 63);
    }
}
