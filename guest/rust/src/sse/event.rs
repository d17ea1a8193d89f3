//! One event, and how it is written.

/// A server-sent event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// What it says: any text, of any number of lines.
    pub data: String,
    /// What it is called; a browser calls one without a name `message`.
    pub name: Option<String>,
    /// What a browser names in `last-event-id` when it comes back.
    pub id: Option<String>,
}

impl Event {
    /// An event that says this.
    pub fn data(data: impl Into<String>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// The event with a name: one line.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The event with an id: one line.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The event as it goes over the wire.
    pub(crate) fn write_to(&self, text: &mut String) {
        if let Some(id) = &self.id {
            one_line("id", id, text);
        }
        if let Some(name) = &self.name {
            one_line("event", name, text);
        }
        each_line("data: ", &self.data, text);
        text.push('\n');
    }
}

/// A field whose value is one line: whoever wrote the value cannot write other fields with it.
fn one_line(field: &str, value: &str, text: &mut String) {
    text.push_str(field);
    text.push_str(": ");
    text.extend(value.trim_start_matches([' ', '\r', '\n', '\0']).chars().map(|letter| match letter {
        '\r' | '\n' | '\0' => ' ',
        letter => letter,
    }));
    text.push('\n');
}

/// Each line of a value, after a prefix. Lines end by LF, CR or both, as they do to whoever reads them.
pub(crate) fn each_line(prefix: &str, value: &str, text: &mut String) {
    let mut rest = value;
    loop {
        let end = rest.find(['\r', '\n']);
        text.push_str(prefix);
        text.push_str(&rest[..end.unwrap_or(rest.len())]);
        text.push('\n');
        let Some(end) = end else { return };
        let length = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &Event) -> String {
        let mut text = String::new();
        event.write_to(&mut text);
        text
    }

    #[test]
    fn each_line_of_the_data_is_a_field() {
        assert_eq!(written(&Event::data("a\nb\r\nc\rd")), "data: a\ndata: b\ndata: c\ndata: d\n\n");
        assert_eq!(written(&Event::data("a\n")), "data: a\ndata: \n\n");
        assert_eq!(written(&Event::data("")), "data: \n\n");
        assert_eq!(written(&Event::data(" a")), "data:  a\n\n");
    }

    #[test]
    fn a_name_or_id_cannot_smuggle_in_a_field() {
        let event = Event::data("x").named("a\ndata: y").id("1\r\n\r\nevent: z\0");
        assert_eq!(written(&event), "id: 1    event: z \nevent: a data: y\ndata: x\n\n");
    }
}
