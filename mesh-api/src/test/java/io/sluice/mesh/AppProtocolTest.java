package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AppProtocolTest {
  @ParameterizedTest
  @CsvSource({
    "'', '', HTTP",
    "'', web, HTTP",
    "'', http, HTTP",
    "'', http-web, HTTP",
    "'', https, TLS",
    "'', https-web, TLS",
    "'', tcp, TCP",
    "'', tcp-db, TCP",
    "'', tcp-server-first, TCP_SERVER_FIRST",
    "'', tcp-server-first-mysql, TCP_SERVER_FIRST",
    "'', tcp-server-firstly, TCP",
    "'', TCP-DB, TCP",
    "'', tcpdb, HTTP",
    "'', grpc-api, GRPC",
    "'', mqtt-broker, MQTT",
    "'', tls-edge, TLS",
    "'', db-tcp, HTTP",
    "'', -tcp, HTTP",
    "tcp, http-web, TCP",
    "http, tcp-db, HTTP",
    "https, tcp-db, TLS",
    "gRPC, '', GRPC",
    "tcp-server-first, '', TCP_SERVER_FIRST",
    "kubernetes.io/h2c, tcp-db, HTTP",
    "kubernetes.io/ws, tcp-db, HTTP",
    "kubernetes.io/wss, tcp-db, TLS",
    "example.com/own, tcp-db, TCP",
    "tcp-own, http-web, HTTP",
    "redis, '', HTTP"
  })
  void choosesByAppProtocolThenPortNameThenHttp(
      String appProtocol, String portName, AppProtocol expected) {
    assertThat(AppProtocol.of(appProtocol, portName)).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource
  void readsItsOwnWord(AppProtocol protocol) {
    assertThat(AppProtocol.of(protocol.word(), "")).isEqualTo(protocol);
    assertThat(AppProtocol.of("", protocol.word() + "-x")).isEqualTo(protocol);
  }
}
