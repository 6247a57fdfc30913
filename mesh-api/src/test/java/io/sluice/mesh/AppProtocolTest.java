package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AppProtocolTest {
  @ParameterizedTest
  @CsvSource({
    "'', '', UNDECLARED",
    "'', web, UNDECLARED",
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
    "'', tcpdb, UNDECLARED",
    "'', grpc-api, GRPC",
    "'', grpc-web, GRPC_WEB",
    "'', grpc-web-api, GRPC_WEB",
    "'', grpc-webapi, GRPC",
    "'', http2-api, HTTP2",
    "'', h2c-api, HTTP2",
    "'', ws-chat, WS",
    "'', mqtt-broker, MQTT",
    "'', tls-edge, TLS",
    "'', db-tcp, UNDECLARED",
    "'', -tcp, UNDECLARED",
    "tcp, http-web, TCP",
    "http, tcp-db, HTTP",
    "https, tcp-db, TLS",
    "HTTP2, tcp-db, HTTP2",
    "h2c, tcp-db, HTTP2",
    "gRPC, '', GRPC",
    "tcp-server-first, '', TCP_SERVER_FIRST",
    "kubernetes.io/h2c, tcp-db, HTTP2",
    "kubernetes.io/ws, tcp-db, WS",
    "kubernetes.io/wss, tcp-db, TLS",
    "example.com/own, tcp-db, TCP",
    "tcp-own, http-web, HTTP",
    "redis, '', UNDECLARED"
  })
  void choosesByAppProtocolThenPortNameElseNothing(
      String appProtocol, String portName, AppProtocol expected) {
    assertThat(AppProtocol.of(appProtocol, portName)).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource
  void readsItsOwnWord(AppProtocol protocol) {
    assertThat(AppProtocol.of(protocol.word(), "")).isEqualTo(protocol);
    assertThat(AppProtocol.of("", protocol.word() + "-x")).isEqualTo(protocol);
  }

  @Test
  void isHttpWhereItIsDeclaredAndMayBeWhereNobodySays() {
    assertThat(AppProtocol.values())
        .filteredOn(AppProtocol::isHttp)
        .containsExactly(
            AppProtocol.HTTP,
            AppProtocol.HTTP2,
            AppProtocol.GRPC,
            AppProtocol.GRPC_WEB,
            AppProtocol.WS);
    assertThat(AppProtocol.values())
        .filteredOn(one -> one.mayBeHttp() != one.isHttp())
        .containsExactly(AppProtocol.UNDECLARED);
  }
}
