package io.sluice.control.kubernetes;

import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ReadableKind;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Whether one kind can be read, and what to do where it cannot. Any thread. */
final class KindStatus {
  private final ReadableKind kind;
  private boolean tried;
  private boolean known;
  private @Nullable Problem problem;

  KindStatus(ReadableKind kind) {
    this.kind = kind;
  }

  /** Its objects are known, or it is certain that there are none. Returns whether that is news. */
  synchronized boolean succeeded() {
    boolean news = !known || problem != null;
    tried = true;
    known = true;
    problem = null;
    return news;
  }

  /** It cannot be read now. Returns whether that is news. */
  synchronized boolean failed(KubernetesApiException e) {
    Problem now = problem(e);
    boolean news = !tried || !now.equals(problem);
    tried = true;
    problem = now;
    return news;
  }

  /** Whether there was an answer to a first list, good or bad. */
  synchronized boolean isTried() {
    return tried;
  }

  /** Whether it was listed, and can be followed. */
  synchronized boolean isComplete() {
    return known && problem == null;
  }

  synchronized Optional<Problem> problem() {
    return Optional.ofNullable(problem);
  }

  private Problem problem(KubernetesApiException e) {
    return new Problem(
        KindObjects.ORIGIN, 0, kind.resource(), String.valueOf(e.getMessage()), mend(e.failure()));
  }

  private String mend(Failure failure) {
    return switch (failure) {
      case FORBIDDEN ->
          "allow it to the controller's account: {apiGroups: [\""
              + kind.group()
              + "\"], resources: ["
              + kind.resource()
              + "], verbs: [list, watch]}";
      case UNAUTHENTICATED -> "give the controller a credential that the API server knows";
      case UNREACHABLE, BUSY, CONFLICT ->
          "what was read before stays in force; look at the API server if this lasts";
      case NOT_FOUND -> "look whether the API server serves this kind, as every cluster does";
      case REJECTED -> "look at the API server's log";
    };
  }
}
