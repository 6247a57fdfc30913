package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.Failures;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Whom a page asks about a mesh as a whole. Pages may ask at once. */
public interface MeshSource {
  /** Nodes that are asked; a page of more says nothing to anybody. */
  int MOST_NODES = 64;

  /** What controllers and nodes say that can be asked from here; others are left out. */
  Answers ask();

  /** What says who may call a pod and whom it may call, by the daemon of {@code node}. */
  JsonNode policies(String node, NamespacedName pod) throws IOException;

  /** So soon after each other pages have the same answers, by what these cost. */
  Duration fresh();

  /** What came of a question. */
  sealed interface Answer {
    /** As {@code sluice control status -o json}, or {@link NodeView#now}. */
    record Said(JsonNode what) implements Answer {}

    /** Nothing, and why. */
    record Silence(String why) implements Answer {}
  }

  /**
   * By the names of those who were asked.
   *
   * @param controllers by pod, or another name
   * @param nodes by node
   */
  record Answers(Map<String, Answer> controllers, Map<String, Answer> nodes) {
    private static final int AT_ONCE = 8;

    /** For all of them together: a page waits for whoever hangs. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Asks all of them at once. */
    static Answers of(
        Map<String, Callable<JsonNode>> controllers, Map<String, Callable<JsonNode>> nodes) {
      List<Callable<JsonNode>> questions = new ArrayList<>(controllers.values());
      questions.addAll(nodes.values());
      ExecutorService threads = // platform threads: to wait for a socket in a selector pins
          Executors.newFixedThreadPool(
              AT_ONCE, Thread.ofPlatform().daemon().name("sluice-dashboard-ask-", 0).factory());
      try {
        List<Future<JsonNode>> answers =
            threads.invokeAll(questions, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        return new Answers(
            named(controllers, answers.subList(0, controllers.size())),
            named(nodes, answers.subList(controllers.size(), answers.size())));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while a mesh was asked", e);
      } finally {
        threads.shutdownNow();
      }
    }

    private static Map<String, Answer> named(
        Map<String, Callable<JsonNode>> asked, List<Future<JsonNode>> answers) {
      Map<String, Answer> named = new LinkedHashMap<>();
      int next = 0;
      for (String name : asked.keySet()) {
        named.put(name, answer(answers.get(next++)));
      }
      return named;
    }

    private static Answer answer(Future<JsonNode> ended) {
      try {
        return new Answer.Said(ended.get());
      } catch (CancellationException e) {
        return new Answer.Silence("no answer within " + PATIENCE.toSeconds() + " s");
      } catch (ExecutionException e) {
        Throwable cause = e.getCause();
        return new Answer.Silence(Failures.sentence(cause == null ? e : cause));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return new Answer.Silence("interrupted");
      }
    }
  }
}
