#include "weft/handlers/accounts/auth_flows.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

namespace weft::handlers {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
}

}  // namespace

const AuthFlow* completed_flow(const AuthFlows& flows, const std::vector<std::string>& completed) {
    for (const auto& flow : flows) {
        if (std::ranges::all_of(flow, [&](const auto& stage) { return contains(completed, stage); }))
            return &flow;
    }
    return nullptr;
}

bool may_come_next(const AuthFlows& flows, const std::vector<std::string>& completed,
                   std::string_view stage) {
    for (const auto& flow : flows) {
        const auto next =
            std::ranges::find_if(flow, [&](const auto& each) { return !contains(completed, each); });
        if (next != flow.end() && *next == stage) return true;
    }
    return false;
}

bool is_offered(const AuthFlows& flows, std::string_view stage) {
    return std::ranges::any_of(flows, [&](const auto& flow) { return contains(flow, stage); });
}

core::MatrixError authentication_required(const AuthFlows& flows, const std::vector<std::string>& completed,
                                          std::string_view session_id, const core::MatrixError* cause) {
    core::MatrixError error{401, cause ? cause->errcode : "", cause ? cause->what() : ""};
    boost::json::array flow_list;
    for (const auto& flow : flows) {
        boost::json::array stages;
        for (const auto& stage : flow) stages.emplace_back(stage);
        flow_list.push_back(boost::json::object{{"stages", std::move(stages)}});
    }
    error.fields["flows"] = std::move(flow_list);
    error.fields["params"] = boost::json::object{};
    error.fields["session"] = session_id;
    if (!completed.empty()) {
        boost::json::array done;
        for (const auto& stage : completed) done.emplace_back(stage);
        error.fields["completed"] = std::move(done);
    }
    return error;
}

}  // namespace weft::handlers
