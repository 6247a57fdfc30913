package io.sluice.cli.cluster;

import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.sluice.control.kubernetes.ClientCertificate;
import io.sluice.control.kubernetes.Kubeconfig;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The way to a cluster's API server, as the options have it. */
public final class ClusterAccess {
  /** For one answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

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

  /**
   * Does work by requests alone, for commands that are to answer at once: the classes of a client
   * take most of a second.
   *
   * @throws IllegalStateException as {@link #ask}
   */
  <T> T request(Function<KubernetesApi, T> work) {
    Config config = config();
    try (KubernetesApi api = new KubernetesApi(new KubernetesAccess.Known(config), PATIENCE)) {
      return work.apply(api);
    } catch (KubernetesApiException e) {
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
      Status answer = failure.getStatus();
      if (answer == null) {
        return unreached(server, reason(failure, "it does not say why"));
      }
      String said = answer.getMessage() == null ? failure.getMessage() : answer.getMessage();
      return switch (failure.getCode()) {
        case HttpURLConnection.HTTP_UNAUTHORIZED, HttpURLConnection.HTTP_FORBIDDEN ->
            refused(server, said);
        default -> failed(server, said);
      };
    }

    /** The same of a request. */
    static String sentence(KubernetesApiException failure, String server) {
      return switch (failure.failure()) {
        case UNREACHABLE -> unreached(server, reason(failure, failure.problem()));
        case UNAUTHENTICATED, FORBIDDEN -> refused(server, failure.problem());
        case BUSY, NOT_FOUND, CONFLICT, REJECTED -> failed(server, failure.problem());
      };
    }

    private static String unreached(String server, String why) {
      return "%s is not reached: %s; %s".formatted(name(server), why, OPTIONS);
    }

    private static String refused(String server, @Nullable String said) {
      return "%s refuses: %s; %s, and what their user may do"
          .formatted(name(server), oneLine(said), OPTIONS);
    }

    private static String failed(String server, @Nullable String said) {
      return "%s fails: %s; try again, or see its log".formatted(name(server), oneLine(said));
    }

    private static String name(String server) {
      return "the API server " + server.replaceAll("/+$", "");
    }

    /** Of the innermost cause that has words; those of the JDK's HTTP client often have none. */
    private static String reason(Throwable failure, String otherwise) {
      String words = otherwise;
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
