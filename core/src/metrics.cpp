#include "weft/core/metrics.hpp"

#include <mutex>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace weft::core {
namespace {

prometheus::Registry& registry() {
    static prometheus::Registry instance{prometheus::Registry::InsertBehavior::Merge};
    return instance;
}

const prometheus::Histogram::BucketBoundaries kDurationBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                               0.1,    0.25,  0.5,    1,    2.5,  5,     10};

}  // namespace

void Counter::increment(double by) { counter_->Increment(by); }
double Counter::value() const { return counter_->Value(); }
void Gauge::set(double value) { gauge_->Set(value); }
void Gauge::add(double by) { gauge_->Increment(by); }
double Gauge::value() const { return gauge_->Value(); }
void Histogram::observe(double value) { histogram_->Observe(value); }

Counter counter(const std::string& name, const std::string& help, const Labels& labels) {
    return Counter{prometheus::BuildCounter().Name(name).Help(help).Register(registry()).Add(labels)};
}

Gauge gauge(const std::string& name, const std::string& help, const Labels& labels) {
    return Gauge{prometheus::BuildGauge().Name(name).Help(help).Register(registry()).Add(labels)};
}

Histogram histogram(const std::string& name, const std::string& help, const Labels& labels, const std::vector<double>& buckets) {
    return Histogram{prometheus::BuildHistogram().Name(name).Help(help).Register(registry()).Add(
        labels, buckets.empty() ? kDurationBuckets : prometheus::Histogram::BucketBoundaries{buckets})};
}

std::string render_metrics() { return prometheus::TextSerializer{}.Serialize(registry().Collect()); }

}  // namespace weft::core
