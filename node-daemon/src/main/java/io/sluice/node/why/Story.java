package io.sluice.node.why;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import io.sluice.node.why.Fate.Step;
import io.sluice.node.why.Fate.Step.Mark;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What has been found out of one way so far. For one thread. */
final class Story {
  private final List<Step> steps;
  private final List<String> unknown;
  private final List<Cause> turns; // what has changed its way
  private double share = 1;
  private boolean mutualTls;
  private boolean asRequest;
  private boolean http;
  private @Nullable InetSocketAddress to;
  private @Nullable NamespacedName pod;

  Story() {
    this(List.of(), List.of(), List.of());
  }

  private Story(List<Step> steps, List<String> unknown, List<Cause> turns) {
    this.steps = new ArrayList<>(steps);
    this.unknown = new ArrayList<>(unknown);
    this.turns = new ArrayList<>(turns);
  }

  /** The same up to here, for one of several ways on. */
  Story fork(double part) {
    Story other = new Story(steps, unknown, turns);
    other.share = share * part;
    other.mutualTls = mutualTls;
    other.asRequest = asRequest;
    other.http = http;
    other.to = to;
    other.pod = pod;
    return other;
  }

  /** It goes on. */
  Story ok(String text) {
    steps.add(new Step(Mark.OK, text));
    return this;
  }

  /** It goes another way, on account of that. */
  Story turn(Cause cause) {
    steps.add(new Step(Mark.TURN, cause.text()));
    turns.add(cause);
    return this;
  }

  /** What nobody here can tell. */
  Story unknown(String text) {
    unknown.add(text);
    return this;
  }

  /** It leads to that endpoint. */
  Story to(InetSocketAddress endpoint, @Nullable NamespacedName podOrNull) {
    to = endpoint;
    pod = podOrNull;
    return this;
  }

  /** Certificates protect it from here. */
  void isProtected() {
    mutualTls = true;
  }

  /** The request counts, and not the connection alone. */
  void isAskedAsRequest() {
    asRequest = true;
  }

  /** It is carried as HTTP, so that nobody is reached before there is a request. */
  void isHttp() {
    http = true;
  }

  boolean wasAskedAsRequest() {
    return asRequest;
  }

  /** It ends; what changed its way is responsible before {@code causes}. */
  Fate end(Kind kind, Reason reason, List<Cause> causes) {
    return end(kind, reason, causes, 0);
  }

  /** The same where the mesh answers a request with that status. */
  Fate end(Kind kind, Reason reason, List<Cause> causes, int status) {
    steps.add(
        new Step(
            kind.arrives() || kind == Kind.ANSWERED ? Mark.OK : Mark.STOP,
            reason.label() + ": " + reason.explanation()));
    List<Cause> all = new ArrayList<>(turns);
    all.addAll(causes);
    return new Fate(
        kind, reason, all, to, pod, mutualTls, asRequest, http, status, share, steps, unknown);
  }
}
