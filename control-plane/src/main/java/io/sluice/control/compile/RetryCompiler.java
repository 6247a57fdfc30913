package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.ServiceAccount;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.Retry;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import io.sluice.mesh.Service;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;

/** What Retries say, which stand in each other's way. For one compilation. */
record RetryCompiler(Surroundings surroundings, Statuses statuses) {
  /** What Retries name. */
  interface Surroundings {
    /** Whether the MeshConfig has Retries acted on. */
    boolean retries();

    /** Whether all services and accounts are known, so that what is missing can be told. */
    boolean knowsServices();

    /** The Service of that name, if there is one that can be called. */
    Optional<Service> compiled(NamespacedName name);

    /** Whether there is a ServiceAccount of that name, or a Pod that runs as it. */
    boolean hasAccount(NamespacedName name);

    /** Whether calls that {@code account} makes of {@code service} may be carried as HTTP. */
    boolean mayCarryRequests(NamespacedName account, Service service);
  }

  /** What a Retry is for: calls of one account to one Service. */
  record Calls(NamespacedName source, NamespacedName destination) {}

  /** What {@code retry} is for, where it may say anything. */
  static List<Calls> calls(Retry retry) {
    RetryPolicy policy = retry.policy();
    return isOfItsOwnNamespace(policy)
        ? policy.destinations().stream().map(to -> new Calls(policy.source(), to)).toList()
        : List.of();
  }

  private static boolean isOfItsOwnNamespace(RetryPolicy policy) {
    return policy.source().namespace().equals(policy.name().namespace());
  }

  /**
   * What {@code retry} makes.
   *
   * @param first by name of all that are for some calls
   */
  Optional<RetryPolicy> policy(Retry retry, Function<Calls, Retry> first) {
    RetryPolicy policy = retry.policy();
    report(retry);
    if (!isOfItsOwnNamespace(policy)) {
      statuses.unusable(
          retry,
          "spec.source.namespace",
          "is another namespace, whose calls this one may not have made again",
          "write the Retry in namespace " + policy.source().namespace());
      return Optional.empty();
    }
    warnOfNames(retry);
    for (Calls of : calls(retry)) {
      Retry before = first.apply(of);
      if (before != retry) {
        statuses.conflict(
            retry,
            Severity.WARNING,
            "spec.destinations",
            "name Service " + of.destination() + ", which " + before.ref() + " is for already",
            "remove it from one of the two",
            before.ref());
      }
    }
    return surroundings.retries() ? Optional.of(policy) : Optional.empty();
  }

  /** The account that {@code object} shows to be there, where it does. */
  static Optional<NamespacedName> accountOf(KubernetesObject object) {
    String name =
        switch (object) {
          case Pod pod -> pod.accountOrNull();
          case ServiceAccount account -> account.meta().name();
          default -> null;
        };
    return name == null || name.isEmpty()
        ? Optional.empty()
        : Optional.of(new NamespacedName(object.meta().namespace(), name));
  }

  private void warnOfNames(Retry retry) {
    if (!surroundings.retries() || !surroundings.knowsServices()) {
      return;
    }
    NamespacedName source = retry.policy().source();
    if (!surroundings.hasAccount(source)) {
      statuses.warning(
          retry,
          "spec.source",
          "names ServiceAccount " + source.name() + ", which does not exist and no Pod runs as",
          "write the service account of the pods that call");
    }
    List<NamespacedName> missing = new ArrayList<>();
    List<NamespacedName> ofBytes = new ArrayList<>();
    for (NamespacedName destination : new TreeSet<>(retry.policy().destinations())) {
      Optional<Service> service = surroundings.compiled(destination);
      if (service.isEmpty()) {
        missing.add(destination);
      } else if (!surroundings.mayCarryRequests(source, service.get())) {
        ofBytes.add(destination);
      }
    }
    if (!missing.isEmpty()) {
      statuses.warning(
          retry,
          "spec.destinations",
          "name " + first(missing) + ", and no such Service can be called",
          "create the Service, or remove the name");
    }
    if (!ofBytes.isEmpty()) {
      statuses.warning(
          retry,
          "spec.destinations",
          "name Service "
              + first(ofBytes)
              + ", none of whose ports is carried as HTTP: nothing is tried again",
          "write appProtocol: http for the port of the Service that speaks it");
    }
  }

  /** One line whatever their number: who writes one object does not have thousands kept. */
  private static String first(List<NamespacedName> names) {
    String rest = names.size() > 1 ? " and " + (names.size() - 1) + " more" : "";
    return names.getFirst() + rest;
  }

  private void report(Retry retry) {
    RetryPolicy policy = retry.policy();
    if (!surroundings.retries()) {
      statuses.unusable(
          retry,
          "",
          "has no effect while spec.featureFlags.enableRetryPolicy of the MeshConfig is not true",
          "set it to true");
    }
    if (policy.statuses().isEmpty() && policy.on().contains(Condition.RETRIABLE_STATUS_CODES)) {
      statuses.warning(
          retry,
          "spec.retryPolicy.retryOn",
          "has retriable-status-codes and no status, so the word means nothing",
          "write statuses beside it, such as 503");
    }
  }
}
