//! Tables for people: columns as wide as their widest cell, two spaces between them.

use std::fmt;

/// Rows under headings.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with only its headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|&heading| heading.to_owned()).collect();
        Self {
            rows: vec![headings],
        }
    }

    /// Adds a row; its cells belong to the headings in their order.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or_default()
            })
            .collect()
    }
}

impl fmt::Display for Table {
    /// Without a line end after the last row, and without spaces at the end of any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (at, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                // What comes from a file name must not move the cursor.
                let cell = cell.replace(char::is_control, "?");
                line.push_str(&format!("{cell:width$}  "));
            }
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_does() {
        let mut table = Table::new(&["NUMBER", "NAME"]);
        table.row(["1984.1".to_owned(), "Été".to_owned()]);
        table.row(["2".to_owned(), "a\x1b[2Jb".to_owned()]);
        assert_eq!(
            table.to_string(),
            "NUMBER  NAME\n1984.1  Été\n2       a?[2Jb"
        );
    }
}
