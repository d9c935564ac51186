//! Writes metrics with their values, in either format.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use super::catalogue::Metric;
use crate::measurements::HistogramFigures;

/// The text of a response.
pub struct Page<'a>(pub DescriptorEncoder<'a>);

/// A value of a counter or gauge.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// A number of objects or bytes.
    Whole(u64),
    /// A number of seconds.
    Real(f64),
}

impl Page<'_> {
    /// Writes a metric without labels.
    pub fn one(&mut self, metric: &Metric, value: impl Into<Number>) -> fmt::Result {
        let mut encoder = self.begin(metric)?;
        write(&mut encoder, metric.kind, value.into())
    }

    /// Writes a metric without labels, if there is a value.
    pub fn optional(&mut self, metric: &Metric, value: Option<impl Into<Number>>) -> fmt::Result {
        match value {
            Some(value) => self.one(metric, value),
            None => Ok(()),
        }
    }

    /// Writes a metric with a label: its values, each with its number.
    pub fn by_label<L: AsRef<str>, V: Into<Number>>(
        &mut self,
        metric: &Metric,
        values: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        self.labelled(
            metric,
            values.into_iter().map(|(label, value)| ([label], value)),
        )
    }

    /// Writes a metric with labels.
    pub fn labelled<const N: usize, L: AsRef<str>, V: Into<Number>>(
        &mut self,
        metric: &Metric,
        values: impl IntoIterator<Item = ([L; N], V)>,
    ) -> fmt::Result {
        debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
        let mut encoder = self.begin(metric)?;
        for (label_values, value) in values {
            let names = metric.labels.iter().copied();
            let values = label_values.iter().map(AsRef::as_ref);
            let labels: Vec<(&str, &str)> = names.zip(values).collect();
            let mut one = encoder.encode_family(&labels)?;
            write(&mut one, metric.kind, value.into())?;
        }
        Ok(())
    }

    /// Writes a metric whose labels are its value.
    pub fn info(&mut self, metric: &Metric, value: &str) -> fmt::Result {
        let labels: Vec<(&str, &str)> = metric.labels.iter().map(|name| (*name, value)).collect();
        self.begin(metric)?.encode_info(&labels)
    }

    /// Writes a histogram.
    pub fn histogram(&mut self, metric: &Metric, figures: &HistogramFigures) -> fmt::Result {
        let HistogramFigures {
            buckets,
            sum_seconds,
            count,
        } = figures;
        let mut encoder = self.begin(metric)?;
        encoder.encode_histogram::<NoLabelSet>(*sum_seconds, *count, buckets, None)
    }

    fn begin<'s>(&'s mut self, metric: &'s Metric) -> Result<MetricEncoder<'s>, fmt::Error> {
        let Metric {
            name, help, unit, ..
        } = metric;
        // OpenMetrics: a sentence.
        let help = format!("{help}.");
        self.0
            .encode_descriptor(name, &help, unit.as_ref(), metric.kind)
    }
}

fn write(encoder: &mut MetricEncoder<'_>, kind: MetricType, value: Number) -> fmt::Result {
    match (kind, value) {
        (MetricType::Counter, Number::Whole(value)) => {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        }
        (MetricType::Counter, Number::Real(value)) => {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        }
        (_, Number::Whole(value)) => encoder.encode_gauge(&value),
        (_, Number::Real(value)) => encoder.encode_gauge(&value),
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}
