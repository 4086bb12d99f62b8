#pragma once

#include <boost/json.hpp>

namespace weft::handlers {

/// Body of `weft_room_visibility`.
struct SetVisibility {
    bool visible = false;

    friend void tag_invoke(boost::json::value_from_tag, boost::json::value& out,
                           const SetVisibility& request) {
        out = boost::json::object{{"visible", request.visible}};
    }
    friend SetVisibility tag_invoke(boost::json::value_to_tag<SetVisibility>,
                                    const boost::json::value& value) {
        return {value.as_object().at("visible").as_bool()};
    }
};

}  // namespace weft::handlers
