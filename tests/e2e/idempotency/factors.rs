//! Requests about second factors that succeed, each by somebody new: after it they
//! are not who they were.

use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tests::{
    PASSWORD, Person, Stack,
    authenticator::{Authenticator, totp},
    contract::Method,
};

use crate::factors::{FACTORS, ORIGIN, add_app, add_passkey, challenge, forget_steps, show};

/// Somebody to send a request of a method, if it is about second factors.
pub(super) async fn somebody(stack: &Stack, method: &Method) -> Option<Person> {
    let service = method.descriptor.parent_service();
    let is_ours = ["FactorService", "SignInService"].contains(&service.name());
    let name = method.descriptor.name().to_lowercase();
    if is_ours { Some(Person::user(stack, &name).await) } else { None }
}

/// A request of a method that succeeds.
pub(super) async fn message(stack: &Stack, person: &Person, method: &Method) -> DynamicMessage {
    let message = request(stack, person, method.descriptor.name()).await;
    DynamicMessage::deserialize(method.descriptor.input(), message).unwrap()
}

async fn request(stack: &Stack, person: &Person, name: &str) -> Value {
    let rest = person.rest();
    match name {
        "ConfirmTotp" => {
            let begun = rest.post(&format!("{FACTORS}/totp"), json!({})).await.expect(200);
            json!({"userId": "me", "code": totp(&begun.text_at("/secret"))})
        }
        "ConfirmPasskey" => {
            let begun = rest.post(&format!("{FACTORS}/passkeys"), json!({})).await.expect(200);
            let credential = Authenticator::new(ORIGIN).create(&begun.body["options"]);
            json!({"userId": "me", "credential": credential})
        }
        "RegenerateRecoveryCodes" => {
            add_app(rest).await;
            json!({"userId": "me"})
        }
        "VerifySecondFactor" => {
            let (secret, _) = add_app(rest).await;
            forget_steps(stack).await;
            json!({"challenge": challenge(rest, person).await, "code": totp(&secret)})
        }
        "FinishPasskeySignIn" => {
            let mut key = add_passkey(rest).await;
            json!({"passkey": show(rest, &mut key).await})
        }
        "Reauthenticate" => json!({"password": PASSWORD}),
        "BeginPasskeySignIn" => json!({}),
        _ => json!({"userId": "me"}),
    }
}
