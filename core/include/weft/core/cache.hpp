#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "weft/core/async.hpp"
#include "weft/core/metrics.hpp"
#include "weft/core/task.hpp"

namespace weft::core {

/// Counters of one cache: hits, misses, invalidations, entries; labelled with the cache's name.
class CacheMetrics {
public:
    explicit CacheMetrics(const std::string& name);
    Counter hits;
    Counter misses;
    Counter invalidations;
    Gauge entries;
};

/// A bounded, typed cache in front of a load. get() always gives an awaitable; concurrent loads of one key are one load;
/// a load that began before an invalidation is handed to those who waited but not kept. Least recently used entries
/// leave first. Values are shared and immutable. Logic thread only.
template <class Key, class Value, class Hash = std::hash<Key>>
class Cache {
public:
    using ValuePtr = std::shared_ptr<const Value>;
    using Loader = std::function<Task<Value>(Key)>;

    Cache(std::string name, std::size_t entries_max, asio::any_io_executor executor)
        : metrics_{name}, entries_max_{entries_max}, executor_{std::move(executor)} {}
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;

    /// The value of `key`, loading it with `loader` if it is not here.
    Task<ValuePtr> get(Key key, Loader loader) {
        for (;;) {
            if (auto hit = get_if_present(key)) co_return hit;
            const auto found = loading_.find(key);
            if (found == loading_.end()) break;
            const auto load = found->second;  // keeps the load alive while we wait
            while (!load->done) co_await load->finished.wait();
            // Somebody else's cancellation is not our failure: try again, as the loader if need be.
            if (load->failure && is_cancellation(load->failure)) continue;
            if (load->failure) std::rethrow_exception(load->failure);
            co_return load->value;
        }
        metrics_.misses.increment();
        auto load = std::make_shared<Load>(executor_);
        loading_.emplace(key, load);
        try {
            load->value = std::make_shared<const Value>(co_await loader(key));
        } catch (...) {
            load->failure = std::current_exception();
        }
        if (const auto found = loading_.find(key); found != loading_.end() && found->second == load) loading_.erase(found);
        load->done = true;
        load->finished.notify_all();
        if (load->failure) std::rethrow_exception(load->failure);
        if (!load->stale) insert(key, load->value);
        co_return load->value;
    }

    /// What is here now, or null; never loads.
    ValuePtr get_if_present(const Key& key) {
        const auto found = index_.find(key);
        if (found == index_.end()) return nullptr;
        order_.splice(order_.begin(), order_, found->second);
        metrics_.hits.increment();
        return found->second->second;
    }

    /// Puts a value that the caller knows to be current: newer than what a load that runs now may bring.
    void put(const Key& key, Value value) { put(key, std::make_shared<const Value>(std::move(value))); }
    void put(const Key& key, ValuePtr value) {
        disown_load(key);
        insert(key, std::move(value));
    }

    void invalidate(const Key& key) {
        metrics_.invalidations.increment();
        disown_load(key);
        if (const auto found = index_.find(key); found != index_.end()) {
            order_.erase(found->second);
            index_.erase(found);
            metrics_.entries.set(static_cast<double>(index_.size()));
        }
    }

    void invalidate_all() {
        metrics_.invalidations.increment();
        for (auto& [key, load] : loading_) load->stale = true;
        loading_.clear();
        index_.clear();
        order_.clear();
        metrics_.entries.set(0);
    }

    std::size_t size() const { return index_.size(); }

private:
    struct Load {
        explicit Load(const asio::any_io_executor& executor) : finished{executor} {}
        Signal finished;
        ValuePtr value;
        std::exception_ptr failure;
        bool done = false;
        bool stale = false;
    };
    using Order = std::list<std::pair<Key, ValuePtr>>;

    /// What is being loaded is for those who wait already; later callers do not get it.
    void disown_load(const Key& key) {
        const auto load = loading_.find(key);
        if (load == loading_.end()) return;
        load->second->stale = true;
        loading_.erase(load);
    }

    void insert(const Key& key, ValuePtr value) {
        if (const auto found = index_.find(key); found != index_.end()) {
            found->second->second = std::move(value);
            order_.splice(order_.begin(), order_, found->second);
            return;
        }
        order_.emplace_front(key, std::move(value));
        index_.emplace(key, order_.begin());
        while (index_.size() > entries_max_) {
            index_.erase(order_.back().first);
            order_.pop_back();
        }
        metrics_.entries.set(static_cast<double>(index_.size()));
    }

    CacheMetrics metrics_;
    std::size_t entries_max_;
    asio::any_io_executor executor_;
    Order order_;
    std::unordered_map<Key, typename Order::iterator, Hash> index_;
    std::unordered_map<Key, std::shared_ptr<Load>, Hash> loading_;
};

}  // namespace weft::core
