#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Registry;
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace weft::core {

using Labels = std::map<std::string, std::string>;

/// A number that only grows. Cheap to copy; lives as long as the process.
class Counter {
public:
    explicit Counter(prometheus::Counter& counter) : counter_{&counter} {}
    void increment(double by = 1);
    double value() const;

private:
    prometheus::Counter* counter_;
};

class Gauge {
public:
    explicit Gauge(prometheus::Gauge& gauge) : gauge_{&gauge} {}
    void set(double value);
    void add(double by);
    double value() const;

private:
    prometheus::Gauge* gauge_;
};

class Histogram {
public:
    explicit Histogram(prometheus::Histogram& histogram) : histogram_{&histogram} {}
    void observe(double value);

private:
    prometheus::Histogram* histogram_;
};

/// The process's metrics. Asking again for the same name and labels gives the same series. Names are API: snake_case
/// with a unit. Thread-safe.
Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
/// `buckets` are upper bounds; by default those for durations in seconds.
Histogram histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                    const std::vector<double>& buckets = {});

/// All metrics in the Prometheus text format.
std::string render_metrics();

}  // namespace weft::core
