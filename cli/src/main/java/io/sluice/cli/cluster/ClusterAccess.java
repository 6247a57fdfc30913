package io.sluice.cli.cluster;

import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.sluice.control.kubernetes.ClientCertificate;
import io.sluice.control.kubernetes.Kubeconfig;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The way to a cluster's API server, as the options have it. */
public final class ClusterAccess {
  private static final Path IN_POD = Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token");

  private final @Nullable Path kubeconfig;
  private final @Nullable String context;
  private final CommandLine line;

  ClusterAccess(@Nullable Path kubeconfig, @Nullable String context, CommandLine line) {
    this.kubeconfig = kubeconfig;
    this.context = context;
    this.line = line;
  }

  /**
   * Server, whom to trust, and credentials; nothing is connected yet.
   *
   * @throws ParameterException where the options lead nowhere
   */
  public Config config() {
    List<Path> files = kubeconfig == null ? found() : List.of(kubeconfig);
    if (files.isEmpty()) {
      if (context != null) {
        throw wrong("--context '" + context + "' is none of []: a pod's account has none");
      }
      return Config.autoConfigure(null);
    }
    try {
      Kubeconfig read = Kubeconfig.read(files);
      if (context != null && !read.contexts().contains(context)) {
        throw wrong("--context '" + context + "' is none of " + read.contexts());
      }
      return read.config(context);
    } catch (IllegalArgumentException e) {
      throw wrong((kubeconfig == null ? "KUBECONFIG " : "--kubeconfig ") + e.getMessage());
    }
  }

  /** As {@link #ask(Config, Function)}. @throws ParameterException as {@link #config} */
  public <T> T ask(Function<KubernetesClient, T> work) {
    return ask(config(), work);
  }

  /**
   * Does work with a client of that cluster, which is closed when this returns.
   *
   * @throws IllegalStateException naming the API server, where it is not reached or refuses
   */
  public static <T> T ask(Config config, Function<KubernetesClient, T> work) {
    config.setRequestRetryBackoffLimit(1);
    try (KubernetesClient client = ClientCertificate.connected(config)) {
      Objects.requireNonNull(client.getKubernetesVersion()); // before anybody else fails by it
      return work.apply(client);
    } catch (KubernetesClientException e) {
      throw new IllegalStateException(ApiServerFailure.sentence(e, config.getMasterUrl()), e);
    }
  }

  /** Those that {@code kubectl} takes; none in a pod. */
  private List<Path> found() {
    List<Path> files =
        Config.getKubeconfigFilenames().stream().map(Path::of).filter(Files::isReadable).toList();
    if (files.isEmpty() && !Files.isReadable(IN_POD)) {
      throw wrong(
          "no cluster is named: none of "
              + Config.getKubeconfigFilenames()
              + " can be read; give --kubeconfig FILE (k3s has /etc/rancher/k3s/k3s.yaml)");
    }
    return files;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(line, message);
  }

  /** What the Kubernetes client says in many words and layers, in one sentence for who typed. */
  static final class ApiServerFailure {
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
      String said =
          oneLine(answer.getMessage() == null ? failure.getMessage() : answer.getMessage());
      return switch (failure.getCode()) {
        case HttpURLConnection.HTTP_UNAUTHORIZED, HttpURLConnection.HTTP_FORBIDDEN ->
            "%s refuses: %s; %s, and what their user may do".formatted(name, said, OPTIONS);
        default -> "%s fails: %s; try again, or see its log".formatted(name, said);
      };
    }

    /** Of the innermost cause that has words; those of the JDK's HTTP client often have none. */
    private static String reason(Throwable failure) {
      String words = "it does not say why";
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
}
