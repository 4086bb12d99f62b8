#include "weft/handlers/admin/admin_tasks.hpp"

#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kTaskIdLetters = 16;

boost::json::object parsed(const std::string& text) {
    auto object = proto::parse_json_object(text);
    return object ? std::move(*object) : boost::json::object{};
}

std::string text_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "unknown failure";
    }
}

}  // namespace

AdminTasks::Run::Run(storage::AdminTaskStore& store, storage::AdminTask task)
    : progress{parsed(task.progress)},
      store_{store},
      task_{std::move(task)},
      arguments_{parsed(task_.arguments)} {}

Task<void> AdminTasks::Run::save() {
    auto text = proto::to_json(progress);
    co_await store_.set_progress(task_.task_id, std::move(text));
}

AdminTasks::AdminTasks(storage::AdminTaskStore& store, asio::any_io_executor executor)
    : store_{store}, background_{std::move(executor)} {}

void AdminTasks::define(std::string action, Function function) {
    functions_.insert_or_assign(std::move(action), std::move(function));
}

Task<void> AdminTasks::resume() {
    for (auto& task : co_await store_.active()) {
        core::log_info("admin", "going on with {} of {}", task.action, task.subject);
        run_in_background(std::move(task));
    }
}

void AdminTasks::run_in_background(storage::AdminTask task) {
    background_.spawn("admin_task", [this, task = std::move(task)]() -> Task<void> { co_await run(task); });
}

Task<storage::AdminTask> AdminTasks::add(std::string action, std::string subject,
                                         boost::json::object arguments) {
    storage::AdminTask task;
    task.task_id = core::random_letters(kTaskIdLetters);
    task.action = std::move(action);
    task.subject = std::move(subject);
    task.arguments = proto::to_json(arguments);
    co_await store_.add(task);
    co_return task;
}

Task<std::string> AdminTasks::start(std::string action, std::string subject, boost::json::object arguments) {
    auto task = co_await add(std::move(action), std::move(subject), std::move(arguments));
    auto id = task.task_id;
    run_in_background(std::move(task));
    co_return id;
}

Task<storage::AdminTask> AdminTasks::perform(std::string action, std::string subject,
                                             boost::json::object arguments) {
    auto task = co_await add(std::move(action), std::move(subject), std::move(arguments));
    if (const auto failure = co_await run(task)) std::rethrow_exception(failure);
    auto done = co_await store_.get(task.task_id);
    if (!done) throw core::StoreError{"an admin task is gone: " + task.task_id};
    co_return std::move(*done);
}

Task<std::exception_ptr> AdminTasks::run(storage::AdminTask task) {
    const auto function = functions_.find(task.action);
    if (function == functions_.end()) {
        core::log_error("admin", "nobody knows how to do {}", task.action);
        co_return nullptr;
    }
    Run running{store_, task};
    std::exception_ptr failure;
    try {
        co_await function->second(running);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure && core::is_cancellation(failure)) std::rethrow_exception(failure);
    std::optional<std::string> error;
    if (failure) error = text_of(failure);
    if (error) core::log_error("admin", "{} of {} has failed: {}", task.action, task.subject, *error);
    auto progress = proto::to_json(running.progress);
    co_await store_.finish(task.task_id, std::move(progress), std::move(error));
    co_return failure;
}

Task<std::optional<storage::AdminTask>> AdminTasks::get(std::string task_id) {
    co_return co_await store_.get(std::move(task_id));
}

Task<std::vector<storage::AdminTask>> AdminTasks::of_subject(std::string action, std::string subject) {
    co_return co_await store_.of_subject(std::move(action), std::move(subject));
}

Task<void> AdminTasks::stop() {
    co_await background_.stop();
}

}  // namespace weft::handlers
