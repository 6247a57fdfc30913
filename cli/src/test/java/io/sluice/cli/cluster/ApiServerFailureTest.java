package io.sluice.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.StatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ApiServerFailureTest {
  private static final String OPTIONS = "; check --kubeconfig and --context";

  private static KubernetesClientException over(Throwable cause) {
    return new KubernetesClientException("An error has occurred.", new IOException(cause));
  }

  private static KubernetesClientException answered(int code, String message) {
    return new KubernetesClientException(
        new StatusBuilder().withCode(code).withMessage(message).build());
  }

  static Stream<Arguments> failures() {
    Throwable unresolved = new ConnectException().initCause(new UnresolvedAddressException());
    return Stream.of(
        Arguments.of(over(unresolved), "is not reached: its name is not known here" + OPTIONS),
        Arguments.of(
            over(new ConnectException()), "is not reached: it takes no connection" + OPTIONS),
        Arguments.of(
            over(new HttpConnectTimeoutException("connect timed out")),
            "is not reached: connect timed out" + OPTIONS),
        Arguments.of(
            answered(403, "namespaces is\n forbidden"),
            "refuses: namespaces is, forbidden" + OPTIONS + ", and what their user may do"),
        Arguments.of(answered(500, "no leader"), "fails: no leader; try again, or see its log"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void sentenceSaysWhoWhatAndWhatToDo(KubernetesClientException failure, String told) {
    assertThat(ClusterAccess.ApiServerFailure.sentence(failure, "https://api.example:6443/"))
        .isEqualTo("the API server https://api.example:6443 " + told);
  }
}
