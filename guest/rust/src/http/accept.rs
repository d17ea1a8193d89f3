//! What a client says it takes: `accept` and `accept-encoding`.

/// The one of the offers that a client likes best, by an `accept` header; the first of those that it likes alike. None if it
/// takes none of them. A client that says nothing takes anything.
pub(crate) fn media_type<'a>(accept: Option<&str>, offers: &[&'a str]) -> Option<&'a str> {
    best(accept, offers, |range, offer| {
        let (range_type, range_subtype) = range.split_once('/')?;
        let (offer_type, offer_subtype) = bare(offer).split_once('/')?;
        match (range_type, range_subtype) {
            ("*", "*") => Some(1),
            (ty, "*") => ty.eq_ignore_ascii_case(offer_type).then_some(2),
            (ty, subtype) => (ty.eq_ignore_ascii_case(offer_type) && subtype.eq_ignore_ascii_case(offer_subtype)).then_some(3),
        }
    })
}

/// The same of content codings, by an `accept-encoding` header. A client that says nothing takes none.
#[cfg(any(test, feature = "gzip", feature = "br"))]
pub(crate) fn coding<'a>(accept_encoding: Option<&str>, offers: &[&'a str]) -> Option<&'a str> {
    best(Some(accept_encoding.unwrap_or_default()), offers, |range, offer| match range {
        "*" => Some(1),
        range => range.eq_ignore_ascii_case(offer).then_some(2),
    })
}

/// Without its parameters.
fn bare(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// `fits` says how specific a range is about an offer, if it is about it: the most specific one counts.
fn best<'a>(header: Option<&str>, offers: &[&'a str], fits: impl Fn(&str, &str) -> Option<u8>) -> Option<&'a str> {
    let Some(header) = header else { return offers.first().copied() };
    let mut best = None;
    for offer in offers {
        let ranges = header.split(',').filter_map(|range| Some((fits(bare(range), offer)?, quality(range))));
        // Of those that are alike specific, the last.
        let quality = ranges.max_by_key(|(specific, _)| *specific).map_or(0, |(_, quality)| quality);
        if quality > best.map_or(0, |(quality, _)| quality) {
            best = Some((quality, *offer));
        }
    }
    best.map(|(_, offer)| offer)
}

/// In thousandths. One that is not a number counts as the highest.
fn quality(range: &str) -> u32 {
    let parameters = range.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let quality = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q")).map(|(_, value)| value.trim()).next();
    let quality = quality.and_then(|value| value.parse::<f32>().ok()).filter(|value| value.is_finite()).unwrap_or(1.0);
    // Within 0 and 1 after the clamp.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let thousandths = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_what_the_client_likes_best() {
        let offers = ["application/json", "text/html; charset=utf-8", "text/csv"];
        for (accept, expected) in [
            (None, Some("application/json")),
            (Some("*/*"), Some("application/json")),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Some("text/html; charset=utf-8")),
            (Some("text/*"), Some("text/html; charset=utf-8")),
            (Some("text/*;q=0.5, text/csv"), Some("text/csv")),
            (Some("text/*, text/html;q=0"), Some("text/csv")),
            (Some("TEXT/HTML ; Q=0.2, application/json;q=0.1"), Some("text/html; charset=utf-8")),
            (Some("application/json;q=0, */*;q=0.1"), Some("text/html; charset=utf-8")),
            (Some("image/png"), None),
            (Some(""), None),
            (Some("application/json;q=x"), Some("application/json")),
            (Some("nonsense"), None),
        ] {
            assert_eq!(media_type(accept, &offers), expected, "{accept:?}");
        }
        assert_eq!(media_type(None, &[]), None);
    }

    #[test]
    fn a_coding_is_only_taken_by_who_says_so() {
        let offers = ["br", "gzip"];
        for (accept, expected) in [
            (None, None),
            (Some("gzip, deflate, br"), Some("br")),
            (Some("gzip;q=1.0, br;q=0.5"), Some("gzip")),
            (Some("*"), Some("br")),
            (Some("br;q=0, *;q=0.1"), Some("gzip")),
            (Some("identity"), None),
            (Some("GZIP"), Some("gzip")),
        ] {
            assert_eq!(coding(accept, &offers), expected, "{accept:?}");
        }
    }
}
