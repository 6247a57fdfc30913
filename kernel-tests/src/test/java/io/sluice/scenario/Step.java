package io.sluice.scenario;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What happens next in a scenario. */
sealed interface Step {
  /** Clients of an account call, and each call ends so in every cell. */
  record Calls(String account, List<Call> calls) implements Step {}

  /**
   * One call, or several that have the same outcome.
   *
   * @param outcome {@code 200 v1}: answered by that pod; {@code 403}; {@code cut}: refused or reset
   *     without an answer; {@code grpc 7}
   */
  record Call(Request request, int times, String outcome) {}

  /**
   * Calls over one connection are answered by these pods, each as often as its share says. A share
   * of 0 is none at all.
   *
   * @param times in all cells together
   * @param percent by pod
   * @param points so far from its share each may be in all cells together
   */
  record Shares(
      String account, Request request, int times, Map<String, Integer> percent, int points)
      implements Step {
    static final int USUAL = 5;

    Shares within(int points) {
      return new Shares(account, request, times, percent, points);
    }
  }

  /**
   * The registry changes; an empty text takes the file away. It has effect within 5 s on a calm
   * machine.
   */
  record Change(Map<String, String> manifests) implements Step {
    static final Duration LIMIT = Duration.ofSeconds(5);
  }

  /** While clients of an account call a hundred times a second, and none of the calls fails. */
  record UnderLoad(String account, Request request, List<Step> steps) implements Step {}

  /** What no other step can say. */
  record Act(String what, Check check) implements Step {}

  /** What is to hold in every cell. */
  @FunctionalInterface
  interface Check {
    void in(Cell cell) throws Exception;
  }

  static Step calls(String account, Call... calls) {
    return new Calls(account, List.of(calls));
  }

  static Call call(Request request, String outcome) {
    return new Call(request, 1, outcome);
  }

  static Call call(String url, String outcome) {
    return call(Request.get(url), outcome);
  }

  static Call times(int times, Request request, String outcome) {
    return new Call(request, times, outcome);
  }

  static Shares shares(String account, Request request, int times, Map<String, Integer> percent) {
    return new Shares(account, request, times, percent, Shares.USUAL);
  }

  static Step change(String name, String yaml) {
    return new Change(Map.of(name, yaml));
  }

  static Step remove(String name) {
    return change(name, "");
  }

  static Step underLoad(String account, Request request, Step... steps) {
    return new UnderLoad(account, request, List.of(steps));
  }

  static Step act(String what, Check check) {
    return new Act(what, check);
  }
}
