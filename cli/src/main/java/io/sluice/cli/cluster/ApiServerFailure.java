package io.sluice.cli.cluster;

import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.nio.channels.UnresolvedAddressException;
import org.jspecify.annotations.Nullable;

/** What the Kubernetes client says in many words and layers, in one sentence for who typed. */
final class ApiServerFailure {
  private static final String OPTIONS = "check --kubeconfig and --context";

  private ApiServerFailure() {}

  /**
   * The API server, what is wrong with it, and what to do.
   *
   * @param server its address
   */
  static String sentence(KubernetesClientException failure, String server) {
    String name = "the API server " + server.replaceAll("/+$", "");
    Status answer = failure.getStatus();
    if (answer == null) {
      return "%s is not reached: %s; %s".formatted(name, reason(failure), OPTIONS);
    }
    String said = oneLine(answer.getMessage() == null ? failure.getMessage() : answer.getMessage());
    return switch (failure.getCode()) {
      case HttpURLConnection.HTTP_UNAUTHORIZED, HttpURLConnection.HTTP_FORBIDDEN ->
          "%s refuses: %s; %s, and what their user may do".formatted(name, said, OPTIONS);
      default -> "%s fails: %s; try again, or see its log".formatted(name, said);
    };
  }

  /** Of the innermost cause that has words; those of the JDK's HTTP client often have none. */
  private static String reason(Throwable failure) {
    String words = failure.getClass().getSimpleName();
    for (@Nullable Throwable each = failure.getCause(); each != null; each = each.getCause()) {
      if (each instanceof UnresolvedAddressException) {
        return "its name is not known here";
      } else if (each instanceof ConnectException) {
        words = "it takes no connection";
      } else if (each.getMessage() != null) {
        words = each.getMessage();
      }
    }
    return oneLine(words);
  }

  private static String oneLine(@Nullable String text) {
    return String.valueOf(text).strip().replaceAll("\\s*\\R\\s*", ", ");
  }
}
