// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Trainer.h"
#include "runtime/io/PngWriter.h"
#include "runtime/train/CheckpointWriter.h"
#include "runtime/train/Curve.h"
#include "runtime/train/EventFile.h"
#include "runtime/train/Nonfinite.h"
#include "runtime/train/ProgressLine.h"
#include "runtime/train/Resume.h"
#include "runtime/train/RunFiles.h"
#include "runtime/train/StepOutput.h"
#include "runtime/train/TrainingLog.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <tuple>

namespace incept {

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// What asks a training to stop: the user, the system, the end of the terminal or of the reader of its output. A
/// training that was started to outlive its terminal does.
void catchSignals() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction old {};
    ::sigaction(signal, nullptr, &old);
    if (signal != SIGHUP || old.sa_handler != SIG_IGN)
      ::sigaction(signal, &action, nullptr);
  }
}

class Trainer {
public:
  Trainer(Program &program, const TrainOptions &options) : program(program), options(options) {}

  Status run() {
    INCEPT_RETURN_IF_ERROR(prepare());
    return finish(steps());
  }

private:
  using Clock = std::chrono::steady_clock;

  Status prepare() {
    INCEPT_RETURN_IF_ERROR(tryOutputs());
    INCEPT_RETURN_IF_ERROR(openData());
    batch = program.image().batchSize;
    parts = program.batchesPerStep();
    stepsPerEpoch = images->size() / program.imagesPerStep();
    if (stepsPerEpoch == 0)
      return inputError(
          "'" + options.data + "' has " + std::to_string(images->size()) + " training images, fewer than one " +
          (parts > 1 ? "step of " + std::to_string(parts) + " batches of " : "batch of ") + std::to_string(batch));
    auto augment = chooseAugmentation(program, options.augment, *images);
    if (!augment)
      return augment.status();
    auto begun =
        beginRun(program, options, *images,
                 augment->kind == Augmentation::None && !augment->mixes() ? "" : augment->text(), folder.get());
    if (!begun)
      return begun.status();
    run_ = std::move(*begun);
    if (!test || test->size() == 0)
      options.note("'" + options.data + "' has no test images: accuracy on them is not measured" +
                   (images->hasPixels() ? "" : "; --val-fraction=F takes a part of the others"));
    step = run_.step;
    started = finished = step * parts;
    saved = options.resume ? step : -1;
    if (folder && options.resume)
      best = findBest(*folder, bestAccuracy);
    // From here on files change.
    if (log.isOpen())
      INCEPT_RETURN_IF_ERROR(options.resume ? log.cutBackTo(step) : log.startAnew());
    curve = CurveBuilder(run_.lastStep);
    if (options.resume && log.isOpen())
      readCurve(logPath, curve); // what was before
    if (folder && options.overwrite)
      for (int64_t old : folder->steps())
        INCEPT_RETURN_IF_ERROR(folder->removeCheckpoint(old));
    INCEPT_RETURN_IF_ERROR(openRecords());
    catchSignals();
    startLoader(*augment);
    if (options.skipNonfinite)
      INCEPT_RETURN_IF_ERROR(startKeeping());
    lastCheckpoint = Clock::now();
    return {};
  }

  /// What the folder says of the run, besides its checkpoints.
  Status openRecords() {
    if (!folder)
      return {};
    if (!options.resume)
      INCEPT_RETURN_IF_ERROR(writeRunRecord(folder->directory(), program, options, run_.run, *images));
    if (Status status = events.open(folder->directory(), step); !status.ok())
      options.note(status.message()); // no reason not to train
    return {};
  }

  /// Opens training and test images.
  Status openData() {
    ImageShape shape = program.imageShape();
    auto loaded = openDataset(options.data, Split::Train, shape);
    if (!loaded)
      return loaded.status();
    images = std::move(*loaded);
    if (!images->note().empty())
      options.note(images->note());
    if (options.valFraction > 0) {
      if (images->size() < 2)
        return inputError("expected two images at least for --val-fraction");
      // Whatever the run's seed, so that runs can be compared; what was drawn is in the checksum of the data.
      std::tie(images, test) = splitDataset(images, options.valFraction, /*seed=*/0);
      return {};
    }
    bool isElsewhere = !options.valData.empty();
    auto held =
        openDataset(isElsewhere ? options.valData : options.data, isElsewhere ? Split::Evaluation : Split::Test, shape);
    if (!held)
      return held.status();
    test = std::move(*held);
    if (!test->classes().empty() && !images->classes().empty() && test->classes() != images->classes())
      return inputError("the classes of '" + options.valData + "' are not those of '" + options.data + "'");
    return {};
  }

  void startLoader(const AugmentOptions &augment) {
    load.sample = {program.imageShape(), /*training=*/true, augment, program.evaluation(), run_.seed};
    load.batch = batch;
    load.first = run_.step * parts;
    load.group = parts;
    load.threads = options.inputThreads;
    load.maxBadImages = options.maxBadImages;
    load.note = options.note;
    loader = std::make_unique<Loader>(images, load);
  }

  Status startKeeping() {
    kept = std::make_unique<KeptState>(program);
    options.note("--on-nonfinite=skip keeps a copy of " + std::to_string(kept->bytes()) +
                 " bytes of weights and slots");
    auto isFinite = kept->keep();
    if (!isFinite)
      return isFinite.status();
    return *isFinite ? Status() : inputError("the weights that training begins with are not finite");
  }

  /// Everything that is to be written can be: said now, not when the work is done.
  Status tryOutputs() {
    bool hasFolder = !options.checkpointDirectory.empty();
    if (!hasFolder && options.resume)
      return usageError("expected --checkpoint-dir=DIR with --resume");
    logPath = !options.log.empty() || !hasFolder ? options.log : options.checkpointDirectory + "/" + kRunLog;
    plotPath = !options.plot.empty() || !hasFolder ? options.plot : options.checkpointDirectory + "/" + kRunCurve;
    const std::string *outputs[] = {&options.save, &options.plot, &options.log};
    for (size_t i = 0; i < std::size(outputs); ++i)
      for (size_t j = 0; j < i; ++j)
        if (!outputs[i]->empty() && *outputs[i] == *outputs[j])
          return usageError("expected different files for --save, --plot and --log, but got '" + *outputs[i] +
                            "' twice");
    INCEPT_RETURN_IF_ERROR(tryOutput(options.save));
    INCEPT_RETURN_IF_ERROR(tryOutput(options.plot));
    if (hasFolder) {
      if (std::error_code error; options.resume && !std::filesystem::exists(options.checkpointDirectory, error))
        return inputError("'" + options.checkpointDirectory + "' has no step-N.safetensors to resume from");
      auto opened = RunFolder::open(options.checkpointDirectory);
      if (!opened)
        return opened.status();
      folder = std::move(*opened);
      if (!folder->note().empty())
        options.note(folder->note());
      folder->removeLeftovers();
      if (std::vector<int64_t> old = folder->steps(); !old.empty() && !options.resume && !options.overwrite)
        return inputError("'" + folder->directory() + "' has checkpoints of another run, the newest of step " +
                          std::to_string(old.back()) +
                          ": give --resume to go on with it, --overwrite to remove them, or another --checkpoint-dir");
    }
    return logPath.empty() ? Status() : log.open(logPath);
  }

  /// Steps until the last one or an interruption; returns what went wrong.
  Status steps() {
    ProgressLine line(step, run_.lastStep);
    while (step < run_.lastStep) {
      INCEPT_RETURN_IF_ERROR(computed(startBatches()));
      if (started == finished) {
        isSound &= finished % parts == 0; // statistics have seen a part of a step
        return inputFailure;              // or interrupted
      }
      INCEPT_RETURN_IF_ERROR(computed(program.device().finish()));
      if (writer.isWritten())
        INCEPT_RETURN_IF_ERROR(settleCheckpoint());
      countBatch();
      if (++finished % parts != 0)
        continue;
      int64_t done = step++;
      bool isLeftOut = false;
      if (kept)
        INCEPT_RETURN_IF_ERROR(judge(done, isLeftOut));
      record(done, isLeftOut);
      line.show(step, curve.loss(), curve.accuracy(), program.imagesPerStep(), loader->waited());
      if (!std::isfinite(stepLoss) && !isLeftOut)
        return notFinite("the loss is not finite at step " + std::to_string(done));
      bool isIdle = started == finished; // else the weights are of a later step
      bool isEnd = step % stepsPerEpoch == 0 || step == run_.lastStep;
      if (isIdle && isEnd) {
        INCEPT_RETURN_IF_ERROR(endEpoch(line));
      } else if (isIdle && (isDueByStep(step) || isDueByTime())) {
        INCEPT_RETURN_IF_ERROR(checkpoint(-1));
      }
    }
    return {};
  }

  /// Passes on how a computation went: after one that failed weights are worth nothing.
  Status computed(Status status) {
    isSound &= status.ok();
    return status;
  }

  bool isDueByStep(int64_t at) const {
    return folder && options.checkpointSteps > 0 && at % options.checkpointSteps == 0;
  }
  bool isDueByTime() const {
    return folder && options.checkpointMinutes > 0 &&
           std::chrono::duration<double>(Clock::now() - lastCheckpoint).count() >= 60 * options.checkpointMinutes;
  }

  /// Starts as many batches as the device takes ahead. None is started beyond the end of an epoch or a checkpoint,
  /// where the weights are looked at, and a step that has begun is finished.
  Status startBatches() {
    int64_t ahead = kept ? 1 : int64_t(program.device().depth()),
            lastOfEpoch = (step / stepsPerEpoch + 1) * stepsPerEpoch;
    int64_t end = std::min(std::min(run_.lastStep, lastOfEpoch) * parts, finished + ahead);
    for (; started < end && inputFailure.ok(); ++started) {
      bool begins = started % parts == 0;
      if (begins && interrupted)
        break;
      if (begins && started > finished && (isDueByStep(started / parts) || isDueByTime()))
        break;
      double share = 1;
      if (inputFailure = loader->next(program.u8Images(), program.labels(), &share); !inputFailure.ok())
        return {}; // after the steps under way
      program.setShare(share);
      if (started == run_.step * parts)
        showSamples();
      INCEPT_RETURN_IF_ERROR(program.startTraining(started, stepsPerEpoch, run_.seed));
    }
    return {};
  }

  /// The first images of the batch that is about to start, as TensorBoard's picture.
  void showSamples() {
    constexpr int64_t kMost = 16, kColumns = 8, kGap = 2;
    ImageShape shape = program.imageShape();
    if (!events.isOpen() || (shape.channels != 1 && shape.channels != 3))
      return;
    int64_t count = std::min(batch, kMost), columns = std::min(count, kColumns);
    Canvas canvas((count + columns - 1) / columns * (shape.height + kGap), columns * (shape.width + kGap));
    int64_t stride = shape.width * shape.channels;
    for (int64_t i = 0; i < count; ++i)
      canvas.draw(i % columns * (shape.width + kGap), i / columns * (shape.height + kGap),
                  {program.u8Images() + i * stride * shape.height, stride, shape.height, shape.width, shape.channels},
                  1);
    events.picture(run_.step, "train/samples", canvas.height(), canvas.width(), canvas.png());
  }

  double epochOf(int64_t at) const { return double(at) / double(stepsPerEpoch); }

  /// Adds the batch that was finished last to those of its step.
  void countBatch() {
    if (finished % parts == 0)
      stepLoss = 0, stepOutputs.assign(program.image().outputCount(), {});
    stepLoss += double(program.loss()) / double(parts);
    for (size_t output = 0; output < stepOutputs.size(); ++output) {
      stepOutputs[output].add(program.logits(output), program.finishedLabels(), program.image());
      if (stepOutputs.size() > 1)
        stepOutputs[output].loss += double(program.lossOf(output)) / double(parts);
    }
  }

  /// Takes the values that a step has given, or leaves the step out where some are not finite.
  Status judge(int64_t done, bool &isLeftOut) {
    isLeftOut = !std::isfinite(stepLoss);
    if (!isLeftOut) {
      auto isFinite = kept->keep();
      if (!isFinite)
        return computed(isFinite.status());
      isLeftOut = !*isFinite;
    }
    if (!isLeftOut) {
      skippedInARow = 0;
      return {};
    }
    ++skipped;
    ++skippedInARow;
    std::string what = std::isfinite(stepLoss) ? "the weights after it are not finite" : "its loss is not finite";
    INCEPT_RETURN_IF_ERROR(computed(kept->bringBack()));
    what += findFirst(done, done);
    INCEPT_RETURN_IF_ERROR(computed(kept->bringBack()));
    if (skippedInARow > options.maxSkipped)
      return inputFailure =
                 inputError("more than " + std::to_string(options.maxSkipped) +
                            " steps in a row are left out (--max-skipped); step " + std::to_string(done) + ": " + what);
    options.note("step " + std::to_string(done) + " is left out: " + what);
    return {};
  }

  /// Makes the steps from `from` to `to` again, whose weights are there, and says what wrote the first value that is
  /// not finite: "; the first such value...", or nothing.
  std::string findFirst(int64_t from, int64_t to) {
    LoaderOptions again = load;
    again.first = from * parts;
    again.note = [](const std::string &) {};
    Loader batches(images, again);
    FiniteCheck check(program);
    for (int64_t number = from * parts; number < (to + 1) * parts && !interrupted; ++number) {
      double share = 1;
      if (!batches.next(program.u8Images(), program.labels(), &share).ok())
        break;
      program.setShare(share);
      if (!check.run(number, stepsPerEpoch, run_.seed).ok())
        break;
      if (check.isFound())
        return "; the first such value came at step " + std::to_string(number / parts) + " from " + check.sentence();
    }
    return "";
  }

  /// The same from the newest checkpoint on, or from the beginning where there is none. Weights are worth nothing then.
  std::string replay() {
    for (; finished < started; ++finished)
      if (!program.device().finish().ok())
        return "";
    int64_t from = 0;
    std::vector<std::string> anew;
    if (saved >= 0) {
      auto loaded = loadNewestCheckpoint(program, *folder);
      if (!loaded)
        return "";
      from = loaded->step;
    } else if (!drawWeights(program, options, run_.seed, anew).ok()) {
      return "";
    }
    options.note("looking for the op that made a value that is not finite: steps " + std::to_string(from) + " to " +
                 std::to_string(step - 1) + " are made again");
    return findFirst(from, step - 1);
  }

  void record(int64_t done, bool isLeftOut) {
    double loss = stepLoss, accuracy = stepOutputs.front().accuracy();
    double rate = program.hyperparameters().learningRate(done, stepsPerEpoch);
    NamedNumbers ofOutputs;
    for (size_t output = 0; stepOutputs.size() > 1 && output < stepOutputs.size(); ++output) {
      ofOutputs.emplace_back("loss/" + program.image().outputs[output], stepOutputs[output].loss);
      ofOutputs.emplace_back("accuracy/" + program.image().outputs[output], stepOutputs[output].accuracy());
    }
    log.step(done, epochOf(done), loss, accuracy, rate, isLeftOut, ofOutputs);
    if (isLeftOut)
      return;
    curve.step(done, loss, accuracy);
    if (events.isOpen()) {
      events.scalars(done, {{"train/loss", loss}, {"train/accuracy", accuracy}, {"train/learning_rate", rate}});
      for (const auto &[name, value] : ofOutputs)
        events.scalars(done, {{"train/" + name, value}});
    }
  }

  /// Evaluates, then keeps the weights: a checkpoint at the end of an epoch means that its log has the evaluation.
  Status endEpoch(ProgressLine &line) {
    double top1 = -1;
    if (test && test->size() > 0) {
      auto accuracy = evaluate(program, test, {options.inputThreads, options.maxBadImages, options.note});
      if (!accuracy && accuracy.status().code() == Code::Input)
        return inputFailure = accuracy.status(); // the weights are what they were
      if (!accuracy)
        return computed(accuracy.status());
      if (accuracy->images == 0)
        return inputFailure = inputError("none of the test images of '" +
                                         (options.valData.empty() ? options.data : options.valData) + "' can be read");
      top1 = accuracy->share();
      bool isMap = program.image().labelsPixels();
      events.scalars(step, {{"test/accuracy", top1}, {"test/loss", accuracy->loss}});
      if (isMap)
        events.scalars(step, {{"test/mean_iou", accuracy->meanIou}});
      std::optional<Accuracy> average;
      INCEPT_RETURN_IF_ERROR(evaluateAverages(average));
      line.breakLine();
      std::printf("epoch %.2f: test accuracy %.2f %%, test loss %.4f", epochOf(step), 100 * top1, accuracy->loss);
      if (isMap)
        std::printf(", mean IoU %.2f %%", 100 * accuracy->meanIou);
      for (size_t i = 0; i < accuracy->others.size(); ++i) {
        const Accuracy &other = accuracy->others[i];
        std::printf("; %s: %.2f %%, %.4f", program.image().outputs[i + 1].c_str(), 100 * other.share(), other.loss);
        if (isMap)
          std::printf(", mean IoU %.2f %%", 100 * other.meanIou);
      }
      curve.evaluation(step, top1);
      if (average) {
        double ofAverages = average->share();
        log.evaluation(step, top1, accuracy->loss, numbersOf(*accuracy), std::pair(ofAverages, average->loss));
        events.scalars(step, {{"test/ema_accuracy", ofAverages}, {"test/ema_loss", average->loss}});
        std::printf("; averaged weights: %.2f %%, %.4f", 100 * ofAverages, average->loss);
        top1 = ofAverages; // of what one would use
      } else {
        log.evaluation(step, top1, accuracy->loss, numbersOf(*accuracy));
      }
      std::printf("\n");
      std::fflush(stdout);
    }
    return checkpoint(top1);
  }

  /// What the log has of an evaluation besides accuracy and loss.
  NamedNumbers numbersOf(const Accuracy &accuracy) const {
    NamedNumbers numbers;
    bool isMap = program.image().labelsPixels();
    if (isMap)
      numbers.emplace_back("test_mean_iou", accuracy.meanIou);
    for (size_t output = 0; program.image().outputCount() > 1 && output <= accuracy.others.size(); ++output) {
      const Accuracy &own = output == 0 ? accuracy : accuracy.others[output - 1];
      const std::string &name = program.image().outputs[output];
      numbers.emplace_back("test_accuracy/" + name, own.share());
      numbers.emplace_back("test_loss/" + name, own.loss);
      if (isMap)
        numbers.emplace_back("test_mean_iou/" + name, own.meanIou);
    }
    return numbers;
  }

  /// The same images with the averages of weights, where there are such. The weights are what they were afterwards.
  Status evaluateAverages(std::optional<Accuracy> &average) {
    if (!program.hasAverages())
      return {};
    INCEPT_RETURN_IF_ERROR(computed(program.swapAverages()));
    auto accuracy = evaluate(program, test, {options.inputThreads, options.maxBadImages, [](const std::string &) {}});
    INCEPT_RETURN_IF_ERROR(computed(program.swapAverages()));
    if (!accuracy && accuracy.status().code() == Code::Input)
      return inputFailure = accuracy.status();
    if (!accuracy)
      return computed(accuracy.status());
    average = *accuracy;
    return {};
  }

  /// Writes log and checkpoint through to the disk.
  Status checkpoint(double accuracy) {
    flushLog();
    if (!folder)
      return {};
    INCEPT_RETURN_IF_ERROR(settleCheckpoint());
    lastCheckpoint = Clock::now();
    pending = {step, accuracy};
    INCEPT_RETURN_IF_ERROR(writer.start(program, *folder, step, run_.run, accuracy));
    return {};
  }

  /// Waits for a checkpoint that is being written, if there is one, and removes those that are too many.
  Status settleCheckpoint() {
    if (!writer.isUnderWay())
      return {};
    Status status = writer.finish();
    if (status.code() == Code::Input)
      return notFinite(status.message());
    INCEPT_RETURN_IF_ERROR(status);
    saved = pending.step;
    if (pending.accuracy > bestAccuracy) {
      bestAccuracy = pending.accuracy;
      best = pending.step;
    }
    return folder->prune(size_t(options.keep), {best});
  }

  /// A log that cannot be written ends, and the training does not: that is said now and, as its error, at the end.
  void flushLog() {
    if (Status status = events.flush(); !status.ok()) {
      options.note(status.message());
      events.close();
    }
    if (Status status = log.flush(); !status.ok()) {
      options.note(status.message());
      logFailure = status;
      log.close();
    }
  }

  /// The error of values that are no numbers any more, with the checkpoint that still has some.
  Status notFinite(const std::string &what) {
    isSound = false;
    if (Status status = settleCheckpoint(); !status.ok())
      return status;
    std::string first = replay();
    std::string advice = ": use a smaller --set learning_rate=VALUE";
    if (saved >= 0)
      advice +=
          "; the newest checkpoint, '" + folder->path(saved) + "', is finite: --resume --allow-changes goes on from it";
    return inputError(what + first + advice);
  }

  /// Writes what can be written of a training that has come to its end or to an error; the first error counts.
  Status finish(Status status) {
    auto also = [&](Status other) {
      if (status.ok())
        status = std::move(other);
    };
    also(settleCheckpoint());
    bool isInterrupted = status.ok() && step < run_.lastStep, hasNoInput = !inputFailure.ok() && isSound;
    if ((isInterrupted || hasNoInput) && folder && saved != step)
      also(checkpoint(-1));
    also(settleCheckpoint());
    if (isSound && !options.save.empty())
      also(program.saveTensors(options.save, {"parameter", "state", "average"}, {}, weightsMetadata(), Values::Finite));
    if (!plotPath.empty() && !curve.curve().loss.empty())
      also(writeCurve(plotPath, program.image().network + " on " + options.data, curve.curve()));
    flushLog();
    also(logFailure);
    if (skipped > 0)
      options.note(std::to_string(skipped) + (skipped > 1 ? " steps were" : " step was") +
                   " left out: values were not finite");
    if (status.ok() && best >= 0 && !isInterrupted)
      std::printf("best: %s, test accuracy %.2f %%\n", folder->path(best).c_str(), 100 * bestAccuracy);
    if (isInterrupted && status.ok())
      return {Code::Interrupted, options.checkpointDirectory.empty()
                                     ? "interrupted; with --checkpoint-dir the training could be resumed"
                                     : "interrupted; continue with --resume"};
    return status;
  }

  Metadata weightsMetadata() const {
    Metadata metadata = {{"incept.network", program.image().network}};
    if (!images->classes().empty())
      metadata["incept.classes"] = classesText(images->classes());
    return metadata;
  }

  Program &program;
  const TrainOptions &options;
  std::unique_ptr<RunFolder> folder;
  TrainingLog log;
  std::shared_ptr<Dataset> images, test;
  LoaderOptions load;
  std::unique_ptr<Loader> loader;
  std::unique_ptr<KeptState> kept; ///< null where steps are not left out
  int64_t skipped = 0, skippedInARow = 0;
  int64_t batch = 1, parts = 1, stepsPerEpoch = 1; ///< `parts`: batches of a step
  int64_t started = 0, finished = 0;               ///< batches
  double stepLoss = 0;                             ///< of the step under way: the mean over its batches
  std::vector<StepOutput> stepOutputs;             ///< of the same, of each output
  Beginning run_;
  int64_t step = 0;              ///< steps that are done
  int64_t saved = -1, best = -1; ///< the steps of the newest and the best checkpoint
  double bestAccuracy = -1;
  CheckpointWriter writer;
  struct {
    int64_t step = -1;
    double accuracy = -1;
  } pending;           ///< the checkpoint that is being written
  bool isSound = true; ///< the weights are those of the last step
  Status logFailure, inputFailure;
  Clock::time_point lastCheckpoint;
  CurveBuilder curve;
  EventFile events;
  std::string logPath, plotPath; ///< empty where there is none
};

} // namespace

Status train(Program &program, const TrainOptions &options) { return Trainer(program, options).run(); }

} // namespace incept
