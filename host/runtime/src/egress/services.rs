//! The names of AWS's services: those that signatures have, and those that endpoints have where they differ.
//!
//! Taken from AWS's own SDK for Python (botocore 1.44.8): `signingName`, and the last label of `endpointPrefix`. Labels that
//! several services share are left out. Names that only a rule of botocore's has (`s3express`, `s3-object-lambda`, `vpc-lattice-svcs`)
//! are added. A service that is newer than these lists is written with a `+` in `FIRSTBYTE_SIGN_AWS`.

/// The names that signatures have.
const SIGNING_NAMES: &str = "\
    abuse access-analyzer account account-access acm acm-pca aco-automation agent-discovery agent-registry aidevops aiops \
    airflow airflow-serverless amplify amplifybackend amplifyuibuilder aoss apigateway apiportal app-integrations appconfig \
    appfabric appflow application-autoscaling application-cost-profiler application-signals applicationinsights appmesh \
    apprunner appstream appsync aps arc-region-switch arc-zonal-shift artifact athena auditmanager autoscaling \
    autoscaling-plans aws-marketplace awsssoportal b2bi backup backup-gateway backup-search batch bcm-dashboards \
    bcm-data-exports bcm-pricing-calculator bcm-recommended-actions bedrock bedrock-agentcore billing billingconductor \
    braket budgets cases cassandra ce chatbot chime cleanrooms cleanrooms-ml cloud9 cloudcontrolapi clouddirectory \
    cloudformation cloudfront cloudfront-keyvaluestore cloudhsm cloudsearch cloudtrail cloudtrail-data cloudwatch \
    codeartifact codebuild codecatalyst codecommit codeconnections codedeploy codeguru-profiler codeguru-reviewer \
    codeguru-security codepipeline codestar-connections codestar-notifications cognito-identity cognito-idp cognito-sync \
    comprehend comprehendmedical compute-optimizer config connect connect-campaigns continuum controlcatalog controltower \
    cost-optimization-hub cur databrew dataexchange datapipeline datasync datazone dax deadline detective devicefarm \
    devops-guru directconnect discovery dlm dms docdb-elastic drs ds ds-data dsql dynamodb ebs ec2 ec2-instance-connect ecr \
    ecr-public ecs eks eks-auth elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing elasticmapreduce \
    elemental-inference emr-containers emr-serverless end-user-messaging entityresolution es events evs execute-api firehose \
    fis fms forecast frauddetector freetier fsx gamelift gameliftstreams geo geo-maps geo-places geo-routes glacier \
    globalaccelerator glue grafana greengrass groundstation guardduty health health-agent healthlake iam identitystore \
    imagebuilder importexport inspector inspector-scan inspector2 interconnect internetmonitor invoicing iot iot-jobs-data \
    iotdata iotdeviceadvisor iotfleetwise iotmanagedintegrations IoTSecuredTunneling iotsitewise iotthingsgraph iottwinmaker \
    iotwireless ivs ivschat kafka kafkaconnect kendra kendra-ranking kinesis kinesisanalytics kinesisvideo kms lakeformation \
    lambda launchwizard lex license-manager license-manager-linux-subscriptions license-manager-user-subscriptions lightsail \
    logs lookoutequipment m2 machinelearning macie2 managedblockchain managedblockchain-query marketplacecommerceanalytics \
    mediaconnect mediaconvert medialive mediapackage mediapackage-vod mediapackagev2 mediastore mediatailor medical-imaging \
    memorydb mgh mgn migrationhub-orchestrator migrationhub-strategy mobiletargeting monitoring mpa mq mturk-requester \
    neptune-db neptune-graph network-firewall network-security-manager networkflowmonitor networkmanager networkmonitor \
    notifications notifications-contacts nova-act oam observabilityadmin odb omics organizations osis osm outposts \
    partnercentral partnercentral-account partnercentral-benefits partnercentral-channel partnercentral-marketing \
    partnercentral-selling payment-cryptography payments pca-connector-ad pca-connector-scep pcs personalize pi pipes polly \
    pricing pricingplanmanager profile proton qapps qbusiness quicksight ram rbin rds rds-data redshift redshift-data \
    redshift-serverless refactor-spaces rekognition repostspace resiliencehub resource-explorer-2 resource-groups \
    rolesanywhere route53 route53-recovery-cluster route53-recovery-control-config route53-recovery-readiness route53domains \
    route53globalresolver route53profiles route53resolver rtbfabric rum s3 s3-object-lambda s3-outposts s3express s3files s3tables s3vectors sagemaker \
    sagemaker-geospatial savingsplans scheduler schemas scn sdb secretsmanager security-ir securityagent securityhub \
    securitylake serverlessrepo servicecatalog servicediscovery servicequotas ses shield signer signin sms-voice \
    snow-device-management snowball sns social-messaging sqs ssm ssm-contacts ssm-guiconnect ssm-incidents ssm-quicksetup \
    ssm-sap sso sso-oauth states storagegateway sts support supportapp supportauthz sustainability swf synthetics tagging \
    tax textract thinclient timestream timestream-influxdb transcribe transfer translate trustedadvisor uxc \
    verifiedpermissions voiceid vpc-lattice vpc-lattice-svcs waf waf-regional wafv2 wellarchitected wickr wisdom workdocs workmail \
    workmailmessageflow workspaces workspaces-instances workspaces-web xray";

/// The labels of endpoints whose requests are signed for another name, and that name.
const SIGNED_AS: [(&str, &str); 42] = [
    ("account-access-runtime", "account-access"),
    ("agent-registry-control", "agent-registry"),
    ("agreement-marketplace", "aws-marketplace"),
    ("appconfigdata", "appconfig"),
    ("appstream2", "appstream"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrock-agentcore-control", "bedrock-agentcore"),
    ("bedrock-data-automation", "bedrock"),
    ("bedrock-data-automation-runtime", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("cassandra-streams", "cassandra"),
    ("cloudhsmv2", "cloudhsm"),
    ("cloudsearchdomain", "cloudsearch"),
    ("cloudwatch-omni", "cloudwatch"),
    ("contact-lens", "connect"),
    ("data-signer", "signer"),
    ("deployment-marketplace", "aws-marketplace"),
    ("discovery-marketplace", "aws-marketplace"),
    ("email", "ses"),
    ("eventsv2", "events"),
    ("forecastquery", "forecast"),
    ("iam-toolbox", "iam"),
    ("identity-chime", "chime"),
    ("ivsrealtime", "ivs"),
    ("mail-manager", "ses"),
    ("marketplace", "aws-marketplace"),
    ("media-pipelines-chime", "chime"),
    ("meetings-chime", "chime"),
    ("memory-db", "memorydb"),
    ("messaging-chime", "chime"),
    ("migrationhub-config", "mgh"),
    ("models-v2-lex", "lex"),
    ("oidc", "sso-oauth"),
    ("partnercentral-prm", "partnercentral"),
    ("personalize-events", "personalize"),
    ("personalize-runtime", "personalize"),
    ("reporting-marketplace", "aws-marketplace"),
    ("runtime-v2-lex", "lex"),
    ("s3-control", "s3"),
    ("servicecatalog-appregistry", "servicecatalog"),
    ("voice-chime", "chime"),
];

/// A service that cannot be signed for, in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// It is the name of an endpoint.
    #[error("requests to {0} are signed for the service {1}: name that")]
    SignedAs(String, &'static str),
    /// No service has the name, but one has a name like it.
    #[error("there is no AWS service {0:?}: did you mean {1}? (One that is newer than this version is written +{0})")]
    Like(String, &'static str),
    /// No service has the name.
    #[error(
        "there is no AWS service {0:?}: a service has the name that signatures have, such as dynamodb (one that is newer than \
         this version is written +{0})"
    )]
    Unknown(String),
    /// No service ever has such a name.
    #[error("{0:?} cannot be the name of an AWS service: it has letters, digits and hyphens, as in dynamodb or execute-api")]
    Malformed(String),
}

/// The name to sign for, as an operator gives it.
pub(crate) fn service(given: &str) -> Result<String, ServiceError> {
    let (name, is_new) = given.strip_prefix('+').map_or((given, false), |name| (name, true));
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(ServiceError::Malformed(given.to_owned()));
    }
    let known = || SIGNING_NAMES.split_ascii_whitespace();
    if is_new || known().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    if let Some((_, signed_as)) = SIGNED_AS.iter().find(|(label, _)| *label == name) {
        return Err(ServiceError::SignedAs(name.to_owned(), signed_as));
    }
    let distance = |known: &str| strsim::damerau_levenshtein(known, &name.to_ascii_lowercase());
    let nearest = known().map(|known| (distance(known), known)).min().filter(|(distance, _)| *distance <= 2.min(name.len() / 3));
    Err(match nearest {
        Some((_, like)) => ServiceError::Like(name.to_owned(), like),
        None => ServiceError::Unknown(name.to_owned()),
    })
}

/// The name to sign for where an endpoint has this label.
pub(super) fn signed_as(label: &str) -> &str {
    SIGNED_AS.iter().find(|(known, _)| *known == label).map_or(label, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_as_signatures_name_them() {
        for name in ["dynamodb", "bedrock", "execute-api", "s3", "IoTSecuredTunneling"] {
            assert_eq!(service(name).as_deref(), Ok(name));
        }
        assert_eq!(service("+brandnew").as_deref(), Ok("brandnew"));
        for (given, advice) in [
            ("bedrock-runtime", "signed for the service bedrock"),
            ("email", "signed for the service ses"),
            ("dynamdb", "did you mean dynamodb?"),
            ("DynamoDB", "did you mean dynamodb?"),
            ("lamda", "did you mean lambda?"),
            ("nothing-like-it", "such as dynamodb"),
            ("s3:GetObject", "cannot be the name"),
            ("dynamodb.us-east-1", "cannot be the name"),
            ("+", "cannot be the name"),
        ] {
            let error = service(given).expect_err(given).to_string();
            assert!(error.contains(advice), "{given}: {error}");
        }
    }

    #[test]
    fn no_label_is_a_name_of_its_own() {
        for (label, name) in SIGNED_AS {
            let is_known = |name: &str| SIGNING_NAMES.split_ascii_whitespace().any(|known| known == name);
            assert!(!is_known(label) && is_known(name), "{label}");
        }
    }
}
