#include "routes.hpp"

#include <boost/json.hpp>

namespace weft::workers {
namespace {

boost::json::array worker_names(http::WorkerKinds kinds) {
    boost::json::array out;
    const std::pair<http::WorkerKind, std::string_view> all[] = {{http::WorkerKind::kSynchrotron, "synchrotron"},
                                                                 {http::WorkerKind::kClientReader, "client_reader"},
                                                                 {http::WorkerKind::kEventPersister, "event_persister"},
                                                                 {http::WorkerKind::kMedia, "media"}};
    for (const auto& [kind, name] : all) {
        if (kinds & static_cast<http::WorkerKinds>(kind)) out.emplace_back(name);
    }
    return out;
}

std::string_view key_name(http::Affinity affinity) {
    switch (affinity) {
        case http::Affinity::kAny: return "any";
        case http::Affinity::kUser: return "user";
        case http::Affinity::kRoom: return "room";
    }
    return "any";
}

}  // namespace

std::string routes_json(const http::Router& router) {
    boost::json::array out;
    for (const auto& endpoint : router.endpoints()) {
        for (const auto& path : endpoint.paths) {
            out.push_back(boost::json::object{{"method", http::to_string(endpoint.method)},
                                              {"path", path},
                                              {"operation", endpoint.operation},
                                              {"workers", worker_names(endpoint.workers)},
                                              {"key", key_name(endpoint.affinity)}});
        }
    }
    return boost::json::serialize(out);
}

}  // namespace weft::workers
