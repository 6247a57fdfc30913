package io.sluice.node.why;

import io.sluice.mesh.Faults;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Routing.Way;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import java.util.ArrayList;
import java.util.List;

/** What goes wrong on purpose with requests that go that way, before anybody is called. */
record Injected(Way.To way, MeshSettings settings) {
  private static final double WHOLE = 100;

  /** Tells what is held back, which goes on after it. */
  void tell(Story story) {
    Faults.Delay delay = way.faults().delayOrNull();
    if (delay != null && delay.percentage() > 0) {
      story.ok(injection("spec.delay", "") + " holds " + held(delay));
    }
  }

  /** Adds what becomes of those that go wrong; which part of all is left. */
  double add(Story story, List<Fate> fates) {
    double left = 1 - aborted(story, fates);
    return left - left * late(left, story, fates);
  }

  /** Which part of such requests is answered on purpose in the place of who is called. */
  private double aborted(Story story, List<Fate> fates) {
    Faults.Abort abort = way.faults().abortOrNull();
    if (abort == null || abort.percentage() == 0) {
      return 0;
    }
    double share = abort.percentage() / WHOLE;
    String text =
        "it answers %d to %d of 100 requests".formatted(abort.status(), abort.percentage());
    List<Cause> causes = new ArrayList<>(List.of(injection("spec.abort", text)));
    causes.addAll(Causes.routed(way.byOrNull(), "it names the FaultInjection"));
    fates.add(
        story
            .fork(share)
            .end(
                abort.status() < 400 ? Kind.ANSWERED : Kind.REFUSED,
                Reason.FAULT_INJECTED,
                causes,
                abort.status()));
    return share;
  }

  /** Which part of the others is held back for longer than their answer is waited for. */
  private double late(double others, Story story, List<Fate> fates) {
    Faults.Delay delay = way.faults().delayOrNull();
    long said = way.limits().requestMillis();
    long limit = said == TimeLimits.NOT_SAID ? settings.answerTimeout().toMillis() : said;
    if (delay == null || limit == 0 || delay.maxMillis() < limit) {
      return 0;
    }
    double beyond =
        delay.minMillis() >= limit
            ? 1
            : (double) (delay.maxMillis() - limit) / (delay.maxMillis() - delay.minMillis());
    double share = delay.percentage() / WHOLE * beyond;
    if (share > 0) {
      String waits =
          "the answer is waited for %d ms, the time held back included: then it is 504"
              .formatted(limit);
      List<Cause> causes =
          new ArrayList<>(List.of(injection("spec.delay", "it holds " + held(delay))));
      if (said == TimeLimits.NOT_SAID) {
        causes.add(Causes.meshConfig("spec.sidecar.sidecarTimeout", waits));
      } else {
        Causes.routed(way.byOrNull(), waits).stream()
            .map(rule -> rule.below("timeouts.request"))
            .forEach(causes::add);
      }
      fates.add(
          story
              .fork(others * share)
              .end(Kind.REFUSED, Reason.FAULT_INJECTED, causes, ServiceEnds.TOO_LATE));
    }
    return share;
  }

  /** The object that makes such calls go wrong; one that nobody names is of the rule. */
  private Cause injection(String field, String text) {
    Faults.Injection by = way.faults().byOrNull();
    return new Cause(
        Faults.Injection.KIND,
        by == null ? "of " + way.byOrNull() : by.name().toString(),
        field,
        text);
  }

  private static String held(Faults.Delay delay) {
    return "%d of 100 such requests back, for %d to %d ms"
        .formatted(delay.percentage(), delay.minMillis(), delay.maxMillis());
  }
}
