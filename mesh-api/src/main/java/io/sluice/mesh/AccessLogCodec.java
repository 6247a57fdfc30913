package io.sluice.mesh;

import io.sluice.api.resources.v1.AccessLog;
import io.sluice.api.resources.v1.LogCollector;
import io.sluice.api.resources.v1.LogPiece;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.AccessLogSetting.Collector.Protocol;
import io.sluice.mesh.LogFormat.Literal;
import io.sluice.mesh.LogFormat.Operator;
import io.sluice.mesh.LogFormat.Piece;
import io.sluice.mesh.LogFormat.Value;
import java.util.HashMap;
import java.util.Map;

/** Settings of the access log as messages and back. */
final class AccessLogCodec {
  static final Codec<AccessLogSetting> CODEC =
      Codec.of(AccessLog.getDefaultInstance(), AccessLogCodec::message, AccessLogCodec::model);

  private AccessLogCodec() {}

  private static AccessLog message(AccessLogSetting setting) {
    AccessLog.Builder message =
        AccessLog.newBuilder()
            .setNamespace(setting.name().namespace())
            .setName(setting.name().name())
            .setOfMesh(setting.isOfMesh())
            .setCreatedSecond(setting.createdSecond())
            .putAllSelector(setting.selector());
    if (setting.formatOrNull() != null) {
      message.setFormat(message(setting.formatOrNull()));
    }
    Collector collector = setting.collectorOrNull();
    if (collector != null) {
      LogCollector.Builder told =
          message
              .getCollectorBuilder()
              .setHost(collector.server().host())
              .setPort(collector.server().port())
              .setHttp(collector.protocol() == Protocol.HTTP)
              .setConnectMillis((int) collector.connectMillis());
      ServerTlsCodec.tell(collector.server(), told::setTls);
      collector.attributes().forEach((name, value) -> told.putAttributes(name, message(value)));
    }
    return message.build();
  }

  private static io.sluice.api.resources.v1.LogFormat message(LogFormat format) {
    var message = io.sluice.api.resources.v1.LogFormat.newBuilder();
    for (Piece piece : format.pieces()) {
      message.addPieces(
          switch (piece) {
            case Literal(String text) -> LogPiece.newBuilder().setLiteral(text);
            case Value(Operator operator, int most, boolean isJson) ->
                LogPiece.newBuilder().setOperator(operator.name()).setMost(most).setJson(isJson);
          });
    }
    return message.build();
  }

  private static AccessLogSetting model(AccessLog message, Checks checks) {
    message
        .getSelectorMap()
        .forEach((name, value) -> {
          checks.text("selector", name, WireLimits.LABEL_CHARACTERS);
          checks.text("selector", value, WireLimits.LABEL_CHARACTERS);
        });
    LogFormat format = message.hasFormat() ? format("format", message.getFormat(), checks) : null;
    Collector collector = message.hasCollector() ? collector(message.getCollector(), checks) : null;
    return checks.value(
        "access_log",
        () ->
            new AccessLogSetting(
                new NamespacedName(message.getNamespace(), message.getName()),
                message.getOfMesh(),
                message.getCreatedSecond(),
                message.getSelectorMap(),
                format,
                collector));
  }

  private static Collector collector(LogCollector message, Checks checks) {
    checks.atMost("collector.attributes", message.getAttributesCount(), Collector.MOST_ATTRIBUTES);
    Map<String, LogFormat> attributes = new HashMap<>();
    message
        .getAttributesMap()
        .forEach(
            (name, value) -> attributes.put(name, format("collector.attributes", value, checks)));
    return checks.value(
        "collector",
        () ->
            new Collector(
                new NamedServer(
                    message.getHost(),
                    message.getPort(),
                    message.hasTls() ? ServerTlsCodec.model(message.getTls(), checks) : null),
                message.getHttp() ? Protocol.HTTP : Protocol.GRPC,
                Integer.toUnsignedLong(message.getConnectMillis()),
                attributes));
  }

  private static LogFormat format(
      String field, io.sluice.api.resources.v1.LogFormat message, Checks checks) {
    return checks.value(
        field,
        () -> new LogFormat(message.getPiecesList().stream().map(AccessLogCodec::piece).toList()));
  }

  private static Piece piece(LogPiece message) {
    return message.getOperator().isEmpty()
        ? new Literal(message.getLiteral())
        : new Value(Operator.valueOf(message.getOperator()), message.getMost(), message.getJson());
  }
}
