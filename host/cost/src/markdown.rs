//! Tables of Markdown, as `firstbyte-bench` writes them. Knows no figure.

/// A table below a heading.
#[derive(Debug, PartialEq)]
pub(crate) struct Table<'a> {
    pub(crate) heading: &'a str,
    columns: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

/// All tables of a text.
pub(crate) fn tables(text: &str) -> Vec<Table<'_>> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    let mut heading = "";
    let mut is_within = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.trim();
        }
        let Some(row) = line.strip_prefix('|').and_then(|line| line.trim_end().strip_suffix('|')) else {
            is_within = false;
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        match tables.last_mut().filter(|_| is_within) {
            Some(table) if !cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':')) => table.rows.push(cells),
            Some(_) => {}
            None => tables.push(Table { heading, columns: cells, rows: Vec::new() }),
        }
        is_within = true;
    }
    tables
}

impl Table<'_> {
    /// The figure in the row of that name, in the first column whose name begins so: `4.95 (4.94–4.96)` is 4.95.
    pub(crate) fn figure(&self, row: &str, column: &str) -> Option<f64> {
        let index = self.columns.iter().position(|name| name.starts_with(column))?;
        let row = self.rows.iter().find(|cells| cells.first() == Some(&row))?;
        let figure = row.get(index)?.split(' ').next()?;
        figure.replace(',', "").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_row_and_column() {
        let text = "# A\n## B, 1,000\nWords | not a table\n\n| | ms | more, ms |\n|---|--:|--:|\n| one | 1.5 (1–2) | 1,234 |\n| two | – | -0.5 |\n\n## C\n| | x |\n|---|\n| one | 3 |\n";
        let [first, second] = &tables(text)[..] else { panic!("{:?}", tables(text)) };
        assert_eq!((first.heading, second.heading), ("B, 1,000", "C"));
        assert_eq!(first.figure("one", "ms"), Some(1.5));
        assert_eq!(first.figure("one", "more"), Some(1234.0));
        assert_eq!(first.figure("two", "more"), Some(-0.5));
        assert_eq!([first.figure("two", "ms"), first.figure("three", "ms"), first.figure("one", "x")], [None; 3]);
        assert_eq!(second.figure("one", "x"), Some(3.0));
    }
}
