// What a KMS answer costs before any of it is KMS: Poco's HTTP server as it comes, 16 threads, the
// JSON library of the connector, no log. Prints "ready PORT" and serves until its standard input
// ends.

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/ThreadPool.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <iostream>
#include <string>

namespace {

constexpr int kThreads = 16;

/// An answer like GenerateDataKey's, or Decrypt's, in shape and size.
class Handler final : public Poco::Net::HTTPRequestHandler {
 public:
  void handleRequest(Poco::Net::HTTPServerRequest& request,
                     Poco::Net::HTTPServerResponse& response) override {
    const auto length = static_cast<std::size_t>(request.getContentLength64());
    std::string body(length, '\0');
    request.stream().read(body.data(), static_cast<std::streamsize>(length));
    rapidjson::Document document;
    document.ParseInsitu(body.data());
    const bool decrypt = document.HasMember("CiphertextBlob");
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    writer.StartObject();
    if (!decrypt) {
      writer.Key("CiphertextBlob");
      writer.String(kCiphertext);
    }
    writer.Key("KeyId");
    writer.String("arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    writer.Key("Plaintext");
    writer.String("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    if (decrypt) {
      writer.Key("EncryptionAlgorithm");
      writer.String("SYMMETRIC_DEFAULT");
    }
    writer.EndObject();
    response.setContentType("application/x-amz-json-1.1");
    response.set("x-amzn-RequestId", "1234abcd-12ab-34cd-56ef-1234567890ab");
    response.sendBuffer(buffer.GetString(), buffer.GetSize());
  }

 private:
  static constexpr const char* kCiphertext =
      "AQICAHhSYXdCeXRlc09mQUNpcGhlcnRleHRCbG9iLCBhYm91dCBhcyBsb25nIGFzIHRoZSBjb25uZWN0b3IncyBvd24s"
      "IHNvIHRoYXQg"
      "dGhlIG51bWJlciBvZiBieXRlcyBvbiB0aGUgd2lyZSBpcyBhYm91dCB0aGUgc2FtZSBpbiBib3RoIGNhc2VzLg==";
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  Poco::Net::HTTPRequestHandler* createRequestHandler(
      const Poco::Net::HTTPServerRequest&) override {
    return new Handler;  // Poco deletes it
  }
};

}  // namespace

int main() {
  Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
  Poco::ThreadPool threads(kThreads, kThreads);
  Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
  params->setMaxThreads(kThreads);
  params->setMaxKeepAliveRequests(0);
  params->setKeepAlive(true);
  params->setKeepAliveTimeout(Poco::Timespan(600, 0));
  Poco::Net::HTTPServer server(new Factory, threads, socket, params);
  server.start();
  std::cout << "ready " << socket.address().port() << std::endl;
  for (;;) ::pause();
}
