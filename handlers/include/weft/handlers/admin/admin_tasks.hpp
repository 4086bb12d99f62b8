#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>

#include "weft/core/background.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/admin_task_store.hpp"

namespace weft::handlers {

/// Long work of administrators. What it is stands in the database, so that a master that was restarted goes
/// on with it: a task's function is called again, with the progress it has noted. Runs in the master.
class AdminTasks {
public:
    /// One task while it runs.
    class Run {
    public:
        Run(storage::AdminTaskStore& store, storage::AdminTask task);
        const std::string& id() const { return task_.task_id; }
        const std::string& subject() const { return task_.subject; }
        const boost::json::object& arguments() const { return arguments_; }
        boost::json::object progress;
        /// Keeps `progress`.
        Task<void> save();

    private:
        storage::AdminTaskStore& store_;
        storage::AdminTask task_;
        boost::json::object arguments_;
    };
    /// Steps that were done before are skipped or harmless. Throws: the task has failed.
    using Function = std::function<Task<void>(Run& run)>;

    AdminTasks(storage::AdminTaskStore& store, asio::any_io_executor executor);

    /// Before anything is started.
    void define(std::string action, Function function);
    /// Goes on with what is unfinished.
    Task<void> resume();
    /// Returns the task's ID at once.
    Task<std::string> start(std::string action, std::string subject, boost::json::object arguments);
    /// The same, returning when it is done. Throws what the function throws.
    Task<storage::AdminTask> perform(std::string action, std::string subject, boost::json::object arguments);

    Task<std::optional<storage::AdminTask>> get(std::string task_id);
    Task<std::vector<storage::AdminTask>> of_subject(std::string action, std::string subject);
    /// Interrupts what runs: it goes on at the next start.
    Task<void> stop();

private:
    Task<storage::AdminTask> add(std::string action, std::string subject, boost::json::object arguments);
    /// Why it has failed, or null.
    Task<std::exception_ptr> run(storage::AdminTask task);
    void run_in_background(storage::AdminTask task);

    storage::AdminTaskStore& store_;
    std::map<std::string, Function> functions_;
    core::BackgroundTasks background_;
};

}  // namespace weft::handlers
