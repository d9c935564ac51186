//! Renders tables of figures in Markdown.

use super::load::Figures;

/// A row of a table: the name of an endpoint, and its figures for each shape.
pub struct Row {
    pub name: String,
    pub protocol: &'static str,
    pub is_carillon: bool,
    pub cells: Vec<Option<Figures>>,
}

/// Renders deliveries per second and, in brackets, the server's CPU time per delivery.
pub fn deliveries(columns: &[&str], rows: &[Row]) -> String {
    let mut lines = head(columns);
    for row in rows {
        let cells: Vec<_> = row
            .cells
            .iter()
            .map(|cell| cell.map_or_else(none, figures))
            .collect();
        lines.push_str(&line(&row.name, &cells));
    }
    lines
}

/// Renders the only column as latencies in milliseconds and the server's CPU time per delivery in
/// microseconds.
pub fn latencies(rows: &[Row]) -> String {
    let mut lines = head(&["p50, ms", "p99, ms", "CPU, µs"]);
    for row in rows {
        let cells = row.cells.iter().flatten().map(|cell| {
            let [p50, p99] = [cell.p50_us, cell.p99_us].map(|us| format!("{:.2}", us / 1e3));
            [p50, p99, micros(cell.cpu_us)]
        });
        cells.for_each(|cells| lines.push_str(&line(&row.name, &cells)));
    }
    lines
}

/// Removes a column from a table, and returns it.
pub fn take_column(rows: &mut [Row], column: usize) -> Vec<Row> {
    let take = |row: &mut Row| Row {
        name: row.name.clone(),
        cells: vec![row.cells.remove(column)],
        ..*row
    };
    rows.iter_mut().map(take).collect()
}

/// Renders Carillon's deliveries divided by those of the best other broker, of all protocols or of
/// one.
pub fn ratios(columns: &[&str], rows: &[Row], protocol: Option<&str>) -> String {
    let mut lines = head(columns);
    let is_one = |row: &&Row| protocol.is_none_or(|protocol| row.protocol == protocol);
    let others: Vec<_> = rows
        .iter()
        .filter(|row| !row.is_carillon)
        .filter(is_one)
        .collect();
    for row in rows.iter().filter(|row| row.is_carillon).filter(is_one) {
        let cells: Vec<_> = (0..columns.len())
            .map(|column| {
                let best = others.iter().filter_map(|other| other.cells[column]);
                let best = best.max_by(|one, two| {
                    one.deliveries_per_second
                        .total_cmp(&two.deliveries_per_second)
                });
                row.cells[column].zip(best).map_or_else(none, ratio)
            })
            .collect();
        lines.push_str(&line(&row.name, &cells));
    }
    lines
}

pub fn head(columns: &[&str]) -> String {
    format!(
        "| | {} |\n|---|{}\n",
        columns.join(" | "),
        "---:|".repeat(columns.len())
    )
}

pub fn line(name: &str, cells: &[String]) -> String {
    format!("| {name} | {} |\n", cells.join(" | "))
}

fn none() -> String {
    "–".to_owned()
}

fn figures(cell: Figures) -> String {
    // Errors are shown beside the figure that they invalidate.
    let wrong = match (cell.lost, cell.violations) {
        (0, 0) => "",
        (_, 0) => " lossy",
        (_, _) => " out of order",
    };
    format!(
        "{} ({}){wrong}",
        count(cell.deliveries_per_second),
        micros(cell.cpu_us)
    )
}

/// Renders the ratio of the deliveries and, in brackets, of the CPU time.
fn ratio((ours, best): (Figures, Figures)) -> String {
    let times = ours.deliveries_per_second / best.deliveries_per_second.max(1.0);
    let cpu = ours.cpu_us / best.cpu_us.max(0.001);
    format!("{times:.1} × ({cpu:.2})")
}

/// Renders a number with at most three digits.
pub fn count(value: f64) -> String {
    match value {
        1e6.. => format!("{:.2}M", value / 1e6),
        1e4.. => format!("{:.0}k", value / 1e3),
        1e3.. => format!("{:.1}k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// Renders the number of rounds.
pub fn rounds(count: usize) -> String {
    match count {
        1 => "one round".to_owned(),
        _ => format!("medians of {count} rounds"),
    }
}

pub fn micros(value: f64) -> String {
    match value {
        10.0.. => format!("{value:.0}"),
        1.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(deliveries_per_second: f64, lost: u64) -> Option<Figures> {
        Some(Figures {
            deliveries_per_second,
            cpu_us: 0.5,
            p50_us: 1.0,
            p99_us: 2_000.0,
            lost,
            violations: 0,
        })
    }

    fn row(name: &str, protocol: &'static str, cells: Vec<Option<Figures>>) -> Row {
        Row {
            is_carillon: name == "Carillon",
            name: name.to_owned(),
            protocol,
            cells,
        }
    }

    #[test]
    fn figures_and_ratios_are_rendered_as_tables() {
        let rows = [
            row("Carillon", "mqtt", vec![cell(3e6, 0), cell(5e3, 0)]),
            row("one", "mqtt", vec![cell(1e6, 7), None]),
            row("two", "stomp", vec![cell(1.5e6, 0), cell(123.0, 0)]),
        ];
        let columns = ["1 → 100", "pairs"];
        assert_eq!(
            deliveries(&columns, &rows),
            "| | 1 → 100 | pairs |\n|---|---:|---:|\n\
             | Carillon | 3.00M (0.50) | 5.0k (0.50) |\n\
             | one | 1.00M (0.50) lossy | – |\n\
             | two | 1.50M (0.50) | 123 (0.50) |\n"
        );
        assert!(latencies(&rows[1..]).ends_with(
            "| one | 0.00 | 2.00 | 0.50 |\n| two | 0.00 | 2.00 | 0.50 |\n\
                 | two | 0.00 | 2.00 | 0.50 |\n"
        ));
        let all = ratios(&columns, &rows, None);
        assert!(
            all.contains("| Carillon | 2.0 × (1.00) | 40.7 × (1.00) |"),
            "{all}"
        );
        let same = ratios(&columns, &rows, Some("mqtt"));
        assert!(same.contains("| Carillon | 3.0 × (1.00) | – |"), "{same}");
    }
}
