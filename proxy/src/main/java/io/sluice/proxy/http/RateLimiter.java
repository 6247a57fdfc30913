package io.sluice.proxy.http;

import io.sluice.api.envoy.ratelimit.RateLimitRequest;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SharedLimit;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.UpstreamSetting.SharedRequestLimit;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.Limited;
import io.sluice.proxy.http.RateLimitMessages.Answer;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks the rate-limit services that UpstreamTrafficSettings name about what has arrived at pods,
 * for all of one event loop. On that loop.
 */
public final class RateLimiter {
  private static final GrpcClients.Protocol<Answer> PROTOCOL =
      new GrpcClients.Protocol<>(
          "rate_limiter", RateLimitMessages.PATH, false, RateLimitMessages::answer);

  /** About one connection or request: what more would be asked about is refused. */
  static final int MOST_QUESTIONS = 8;

  /** Envoy's status where the service fails, and its header where it says no. */
  private static final int FAILED = 500;

  private static final FieldChange BEYOND =
      new FieldChange(Action.SET, "x-envoy-ratelimited", "true");

  private final GrpcClients clients;
  private final Consumer<Limited> counts;

  /** By these clients; {@code counts} hears what became of each question. */
  public RateLimiter(GrpcClients clients, Consumer<Limited> counts) {
    this.clients = clients;
    this.counts = counts;
  }

  /** Whoever arrives where. */
  record Arrival(
      MeshSnapshot snapshot, InetAddress client, InetSocketAddress called, LocalPod pod) {}

  /**
   * Asks about a connection; null where nobody is to be asked.
   *
   * @param limits those of the services that lead there
   * @param client who calls
   * @param called where it arrived
   * @param told runs when it is known, never before this returns
   */
  public @Nullable Questions ofConnection(
      MeshSnapshot snapshot,
      List<UpstreamSetting> limits,
      InetAddress client,
      InetSocketAddress called,
      LocalPod pod,
      Runnable told) {
    Questions questions =
        new Questions(new Arrival(snapshot, client, called, pod), limits, null, told);
    return questions.askNext() ? questions : null;
  }

  /** The same of a request. */
  @Nullable Questions ofRequest(
      Arrival arrival, List<UpstreamSetting> limits, Head request, Runnable told) {
    Questions questions = new Questions(arrival, limits, request, told);
    return questions.askNext() ? questions : null;
  }

  private record Question(
      NamespacedName setting, SharedLimit limit, int status, boolean tellsClients) {}

  /** What is asked about one connection or request, one service after the other. */
  public final class Questions {
    private final Arrival arrival;
    private final Runnable told;
    private final Iterator<UpstreamSetting> left;
    private final @Nullable Head request; // null: a connection
    private final RateLimitMessages.Asked about;
    private int asked;
    private boolean refusing; // in a moment
    private final List<FieldChange> ofRequest = new ArrayList<>();
    private final List<FieldChange> ofResponse = new ArrayList<>();
    private @Nullable Inquiry<Answer> open;
    private @Nullable Verdict refusal;
    private int status;
    private String content = "";

    private Questions(
        Arrival arrival, List<UpstreamSetting> limits, @Nullable Head request, Runnable told) {
      this.arrival = arrival;
      this.left = limits.iterator();
      this.request = request;
      this.about = new RateLimitMessages.Asked(request, arrival.client());
      this.told = told;
    }

    /** False where there is nobody left to be asked. */
    private boolean askNext() {
      while (left.hasNext()) {
        if (ask(left.next())) {
          return true;
        }
      }
      return false;
    }

    private boolean ask(UpstreamSetting setting) {
      Limits limits = setting.limits();
      SharedLimit connections = limits.sharedConnectionsOrNull();
      SharedRequestLimit requests = limits.sharedRequestsOrNull();
      if (request != null && requests != null) {
        RouteLimit route = limits.routeOrNull(request.path());
        return ask(
            new Question(
                setting.name(), requests.asked(), requests.status(), requests.tellsClients()),
            route == null || route.shared().isEmpty()
                ? requests.asked().descriptors()
                : route.shared());
      }
      return request == null
          && connections != null
          && ask(new Question(setting.name(), connections, 0, false), connections.descriptors());
    }

    /** What would be too much is refused: who is not asked may not say no. */
    private boolean ask(Question question, List<SharedLimit.Descriptor> descriptors) {
      SharedLimit limit = question.limit();
      RateLimitRequest message;
      try {
        message = RateLimitMessages.request(limit.domain(), descriptors, about);
      } catch (IllegalArgumentException e) {
        return refuseSoon(question, String.valueOf(e.getMessage()));
      }
      if (message == null) {
        return false;
      }
      if (++asked > MOST_QUESTIONS) {
        return refuseSoon(question, "more than " + MOST_QUESTIONS + " questions");
      }
      open =
          clients.ask(
              arrival.snapshot(),
              limit.server(),
              PROTOCOL,
              message,
              limit.timeoutMillis(),
              limit.failOpen(),
              arrival.called(),
              arrival.pod(),
              inquiry -> settled(question, inquiry));
      return open != null;
    }

    private boolean refuseSoon(Question question, String why) {
      clients.troubles.accept(PROTOCOL.word() + "_failed reason=\"" + why + "\"");
      counts.accept(Limited.ERROR);
      refusing = true;
      clients.loop.execute(() -> {
        if (refusing) {
          refusing = false;
          refuse(question, Reason.RATE_LIMIT_FAILED, FAILED);
          told.run();
        }
      });
      return true;
    }

    private void settled(Question asked, Inquiry<Answer> inquiry) {
      open = null;
      Answer answer = inquiry.answerOrNull();
      if (answer != null) {
        ofRequest.addAll(answer.request());
        ofResponse.addAll(answer.response());
        if (asked.tellsClients()) {
          ofResponse.addAll(answer.left());
        }
      }
      if (answer != null && answer.isBeyond()) {
        counts.accept(Limited.OVER_LIMIT);
        ofResponse.add(BEYOND);
        content = answer.content();
        refuse(asked, Reason.RATE_LIMITED_GLOBALLY, asked.status());
      } else if (answer != null) {
        counts.accept(Limited.OK);
      } else if (inquiry.failsOpen()) {
        counts.accept(Limited.FAILURE_MODE_ALLOWED);
      } else {
        counts.accept(Limited.ERROR);
        refuse(asked, Reason.RATE_LIMIT_FAILED, FAILED);
      }
      if (refusal != null || !askNext()) {
        told.run();
      }
    }

    private void refuse(Question of, Reason reason, int answered) {
      refusal = new Verdict(Outcome.REFUSED, reason, of.setting());
      status = answered;
    }

    /** Whether it waits for an answer. */
    public boolean isUnderWay() {
      return open != null || refusing;
    }

    /** Why it does not go on; null where it does. */
    public @Nullable Verdict refusalOrNull() {
      return refusal;
    }

    /** What is changed of a request that goes on, and of its answer. */
    HttpFilters changes() {
      return ofRequest.isEmpty() && ofResponse.isEmpty()
          ? HttpFilters.NONE
          : new HttpFilters(ofRequest, ofResponse, null, List.of());
    }

    /** The answer to a request that does not. */
    Head answer(Head request) {
      return LocalAnswer.with(request, status, ofResponse);
    }

    /** Of that answer. */
    String content() {
      return content;
    }

    /** Nobody waits for it any more. */
    public void cancel() {
      Inquiry<Answer> asked = open;
      open = null;
      refusing = false;
      if (asked != null) {
        asked.cancel();
      }
    }
  }
}
