package io.sluice.scenario;

import com.google.rpc.Status;
import io.grpc.stub.StreamObserver;
import io.grpc.xds.shaded.io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.grpc.xds.shaded.io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc.AuthorizationImplBase;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.auth.v3.DeniedHttpResponse;
import io.grpc.xds.shaded.io.envoyproxy.envoy.service.auth.v3.OkHttpResponse;
import io.grpc.xds.shaded.io.envoyproxy.envoy.type.v3.HttpStatus;
import io.grpc.xds.shaded.io.envoyproxy.envoy.type.v3.StatusCode;
import io.sluice.lab.site.SitePod;

/**
 * An authoriser of requests in a pod, by gRPC's own library and Envoy's own messages, which that
 * has for xDS, and not by those of the mesh: it denies what has a path with {@link #DENIED} in it,
 * and tells the application of others that their user is ada, who has no secret.
 */
final class Judge extends AuthorizationImplBase implements AutoCloseable {
  static final int PORT = 9191;
  static final String DENIED = "/denied";

  private static final int PERMISSION_DENIED = 7;

  private final GrpcInPod server;

  /** Of that pod; away until it is started. */
  Judge(SitePod pod) {
    server = new GrpcInPod(pod, PORT, this);
  }

  void start() {
    server.start();
  }

  void stop() {
    server.stop();
  }

  @Override
  public void check(CheckRequest asked, StreamObserver<CheckResponse> answer) {
    boolean denied = asked.getAttributes().getRequest().getHttp().getPath().contains(DENIED);
    answer.onNext(
        denied
            ? CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(PERMISSION_DENIED))
                .setDeniedResponse(
                    DeniedHttpResponse.newBuilder()
                        .setStatus(HttpStatus.newBuilder().setCode(StatusCode.Forbidden))
                        .setBody("not you"))
                .build()
            : CheckResponse.newBuilder()
                .setStatus(Status.getDefaultInstance())
                .setOkResponse(
                    OkHttpResponse.newBuilder()
                        .addHeaders(
                            HeaderValueOption.newBuilder()
                                .setHeader(
                                    HeaderValue.newBuilder().setKey("x-user").setValue("ada")))
                        .addHeadersToRemove("x-secret"))
                .build());
    answer.onCompleted();
  }

  @Override
  public void close() {
    server.close();
  }
}
